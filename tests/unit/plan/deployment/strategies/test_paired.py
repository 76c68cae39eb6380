"""A shadow whose answers are compared with those of the stable revision, request by request."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from rollmodel.plan.deployment.objects.revision import wanted

from tests.support.simulation.past import let_serve
from tests.support.simulation.rollouts import DEFAULTS, Behaviour, Cluster, model, spec

Shadowed = Callable[..., Cluster]
POLICY: dict[str, Any] = {
    "strategy": "Shadow",
    "shadow": {"percent": 20},
    "steps": [{"weight": 50}],
    "warmUpSeconds": 0,
    "drainSeconds": 20,
    "deadlineSeconds": 120,
}
ANSWERS = {"name": "answers", "paired": {"maxDisagreement": "0.02"}}
ANALYSIS = {"metrics": [{"name": "errors", "preset": "Errors"}, ANSWERS]}
PAIRS = ("Service", "churn-pairs")


@pytest.fixture(scope="module")
def installed() -> Cluster:
    """Version 1 serves and has a past; 5 % of all requests fail, as ever."""
    cluster = Cluster(spec(rollout=POLICY, analysis=ANALYSIS), rate=1000)
    cluster.behave("1", bad=0.05)
    let_serve(cluster, ticks=150)
    return cluster


@pytest.fixture
def shadowed(installed: Cluster) -> Shadowed:
    """Version 2, which answers some copies differently, gets copies."""

    def build(*, rollout: dict[str, Any] = POLICY, **behaviour: Any) -> Cluster:
        cluster = deepcopy(installed)
        cluster.edit(rollout=rollout)
        revision = cluster.try_version("2")
        cluster.behaviours[revision] = Behaviour(bad=0.05, **behaviour)
        assert PAIRS not in cluster.children, "nothing at rest"
        assert cluster.run(300, lambda: bool(cluster.mirrored.get(revision)))
        return cluster

    return build


def evidence(cluster: Cluster) -> dict[str, Any]:
    return next(one for one in cluster.status["evidence"] if one["metric"] == "answers")


def test_a_version_that_answers_differently_loses_before_anybody_gets_its_answers(shadowed: Shadowed) -> None:
    cluster = shadowed(differs=0.1)
    revision = cluster.revision_of("2")

    def lost() -> bool:
        assert revision not in cluster.served
        return cluster.over()

    assert cluster.run(600, lost)
    assert (cluster.verdicts()[-1], cluster.status["rejected"]["reason"]) == ("RolledBack v2", "ProvenHarmful")
    assert "answers: proven worse than tolerated, 5 times what may differ" in cluster.status["rejected"]["message"]
    cluster.pass_until_quiet()
    assert PAIRS not in cluster.children


def test_the_service_leads_to_the_pods_of_stable(shadowed: Shadowed) -> None:
    cluster = shadowed()
    service = cluster.children[PAIRS]["spec"]
    assert service["clusterIP"] == "None"
    assert service["selector"]["rollmodel.dev/revision"] == cluster.revision_of("1")


def test_what_was_proven_on_copies_is_enough_for_the_canary(shadowed: Shadowed) -> None:
    cluster = shadowed(differs=0.001)
    assert cluster.run(300, lambda: "pairs differ" in evidence(cluster).get("samples", ""))
    assert cluster.run(1800, lambda: cluster.served.get(cluster.revision_of("2")) == 50)
    cluster.pass_until_quiet()
    assert PAIRS not in cluster.children
    assert cluster.run(1800, lambda: cluster.arm("stable") == "2" and cluster.over())
    assert cluster.status["history"][-1]["reason"] == "ProvenSafe"


def test_without_pairs_it_never_ends_well(shadowed: Shadowed) -> None:
    limited = {**POLICY, "shadow": {"percent": 20, "maxSeconds": 600}, "maxBlindSeconds": 60, "onBlind": "RollBack"}
    cluster = shadowed(rollout=limited, pairs=False)
    assert cluster.run(200, lambda: cluster.condition("MetricsAvailable")["reason"] == "NoPairs")
    assert "the Service churn-pairs" in cluster.condition("MetricsAvailable")["message"]
    assert cluster.run(400, cluster.over)
    assert cluster.verdicts()[-1] == "RolledBack v2"


def test_too_many_at_the_limit_stay_undecided(shadowed: Shadowed) -> None:
    limited = {**POLICY, "shadow": {"percent": 20, "maxSeconds": 200}, "onUndecided": "RollBack"}
    cluster = shadowed(rollout=limited, differs=0.02)
    assert cluster.run(400, cluster.over)
    assert (cluster.verdicts()[-1], cluster.status["rejected"]["reason"]) == ("RolledBack v2", "Undecided")


@pytest.mark.parametrize(
    ("shift", "verdict", "words"),
    [
        (0.03, "RolledBack v2", "means: proven worse than tolerated, 3 times what may differ"),
        (-0.03, "RolledBack v2", "means: proven worse than tolerated, 3 times what may differ"),
        (0.001, "Promoted v2", "mean difference +0.001 of"),
    ],
)
def test_numbers_may_differ_by_so_much_on_average(installed: Cluster, shift: float, verdict: str, words: str) -> None:
    cluster = deepcopy(installed)
    means = {"name": "means", "paired": {"maxMeanDifference": "0.01"}}
    cluster.edit(analysis={"metrics": [{"name": "errors", "preset": "Errors"}, means]})
    revision, said = cluster.try_version("2"), set[str]()
    cluster.behaviours[revision] = Behaviour(bad=0.05, shift=shift)

    def over() -> bool:
        said.update(one.get("samples", "") for one in cluster.status.get("evidence", ()) if one["metric"] == "means")
        return cluster.over()

    assert cluster.run(7200, over)
    assert cluster.verdicts()[-1] == verdict
    if shift == 0.001:
        assert any(words in one for one in said), said
    else:
        assert words in cluster.status["rejected"]["message"]


def told(**analysis: Any) -> dict[str, Any]:
    """What a pod that is made under this analysis is told of pairs."""
    revision = wanted("churn", spec(rollout=POLICY, analysis=analysis), model("1"), DEFAULTS)
    variables = {one["name"]: one.get("value") for one in revision.template["spec"]["containers"][0]["env"]}
    found: dict[str, Any] = json.loads(variables.get("ROLLMODEL_PAIRS") or "{}")
    return {**found, "id": revision.id}


def test_pods_are_told_what_counts_and_a_metric_makes_no_new_revision() -> None:
    gold = {"feature": "plan", "value": "gold"}
    plan = {"maxDisagreement": "0.02", "differsBy": "0.05", "sliceBy": "plan", "only": gold}
    with_pairs = told(metrics=[ANSWERS, {"name": "scores", "paired": plan}])
    assert with_pairs["rules"] == [
        {"name": "differs"},
        {"name": "differsBy=0.05;plan=gold", "differsBy": "0.05", "sliceBy": "plan", "only": gold},
    ]
    assert (with_pairs["service"], with_pairs["port"]) == ("churn-pairs", 8080)
    without = told(metrics=[])
    assert without == {"id": with_pairs["id"]}
    assert with_pairs["revision"] == with_pairs["id"]
