"""Whatever others may legally write, a pass ends with a status that the API server takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.api.modeldeployment import ModelDeploymentStatus
from rollmodel.plan.deployment.decide import decide
from rollmodel.plan.deployment.objects.meta import Owner
from rollmodel.plan.deployment.objects.traffic.services import revision_service
from rollmodel.plan.deployment.objects.workload import deployment
from rollmodel.plan.problem import Problem

from tests.support.simulation.past import let_serve
from tests.support.simulation.promises import manifests
from tests.support.simulation.rollouts import START, Cluster, spec

Serving = Callable[..., Cluster]

#: As metav1.Condition has it.
REASONS = st.one_of(
    st.from_regex(r"\A[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?\Z"),
    st.sampled_from(["LB_NOT_READY", "a:b,c_", "X" * 1024, "Accepted", "ResolvedRefs", "NotReconciled"]),
)
TEXTS = st.one_of(st.text(max_size=40), st.just("x" * 32768), st.just("a\nb\tc"))
GENERATIONS = st.one_of(st.none(), st.integers(0, 2**63 - 1), st.integers(0, 3))


def conditions(types: list[str]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Legal conditions of these types, or of any."""
    one = st.fixed_dictionaries(
        {
            "type": st.one_of(st.sampled_from(types), REASONS),
            "status": st.sampled_from(["True", "False", "Unknown"]),
            "reason": REASONS,
            "message": TEXTS,
            "lastTransitionTime": st.just("2026-01-01T00:00:00Z"),
        }
    )
    return st.lists(
        st.builds(lambda c, g: c if g is None else {**c, "observedGeneration": g}, one, GENERATIONS), max_size=4
    )


PARENTS = st.lists(
    st.fixed_dictionaries(
        {
            "parentRef": st.sampled_from(
                [{"name": "public"}, {"name": "public", "namespace": "prod"}, {"name": "other"}]
            ),
            "controllerName": st.sampled_from(["example.com/a", "example.com/b"]),
            "conditions": conditions(["Accepted", "ResolvedRefs", "Programmed"]),
        }
    ),
    max_size=3,
)


def checked(cluster: Cluster) -> None:
    """A pass ends; what it says survives the way through JSON and the schema; nothing is taken from stable."""
    decision = decide(cluster.observe())
    status = json.loads(json.dumps(dict(decision.status)))
    assert ModelDeploymentStatus.model_validate(status).to_wire() == status
    assert decision.status["stable"]["revision"] == cluster.revision_of("1")
    assert all(manifest["kind"] for manifest in manifests(decision))


@pytest.fixture(scope="module")
def begun() -> Cluster:
    """A rollout that has begun. Nobody changes it."""
    cluster = Cluster(spec(), rate=1000)
    let_serve(cluster)
    cluster.try_version(bad=0.01)
    assert cluster.run(900, cluster.has_weight)
    return cluster


@settings(deadline=timedelta(seconds=2))
@given(
    parents=PARENTS,
    of_deployments=conditions(["Available", "Progressing", "ReplicaFailure"]),
    problem=st.one_of(st.none(), st.builds(Problem, st.just("Unavailable"), TEXTS)),
)
def test_any_legal_status_of_gateways_and_deployments_is_decided_on(
    begun: Cluster, parents: list[dict[str, Any]], of_deployments: list[dict[str, Any]], problem: Problem | None
) -> None:
    cluster = Cluster(begun.spec, model=problem or begun.model, now=begun.now, status=begun.status)
    cluster.children = {key: json.loads(json.dumps(child)) for key, child in begun.children.items()}
    for (kind, _), child in cluster.children.items():
        if kind == "HTTPRoute":
            child["status"] = {"parents": parents}
        if kind == "Deployment":
            child.setdefault("status", {})["conditions"] = of_deployments
    checked(cluster)


def test_more_revisions_are_drained_than_status_can_hold(serving: Serving) -> None:
    """A release every 20 minutes, and a day to drain: those that drained the longest are let go first."""
    cluster = serving(rollout={"steps": [{"weight": 10}], "warmUpSeconds": 20, "drainSeconds": 86400})
    owner = Owner("prod", "churn", "uid-0")
    since = (START + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    cluster.status["retiring"] = []
    for number in range(64):
        revision = f"{number:08d}"
        template = {"metadata": {"labels": {}, "annotations": {}}, "spec": {"containers": []}}
        cluster._apply(deployment(owner, revision, template, replicas=0, deadline_seconds=600, model_name="churn"))
        cluster._apply(revision_service(owner, revision))
        arm = {"revision": revision, "weight": 0, "weightSince": since, "retiring": "Superseded"}
        cluster.status["retiring"].append(arm)
    cluster.try_version("2")
    assert cluster.run(600, cluster.has_weight)
    cluster.try_version("3")
    assert cluster.run(600, lambda: cluster.arm("candidate") == "3")
    retiring = [arm["revision"] for arm in cluster.status["retiring"]]
    assert len(retiring) == 64
    assert cluster.revision_of("2") in retiring
    assert "00000000" not in retiring
    assert "00000000" not in cluster.deployments()
    assert "00000001" in cluster.deployments()
