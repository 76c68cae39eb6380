"""Conditions as kstatus and people read them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from rollmodel.plan.deployment.decide import decide
from rollmodel.plan.problem import Problem

from tests.support.simulation.past import let_serve
from tests.support.simulation.rollouts import Cluster, model, spec

Serving = Callable[..., Cluster]
KINDS = [
    "Ready",
    "Reconciling",
    "Stalled",
    "Available",
    "Progressing",
    "Paused",
    "RolledBack",
    "ModelResolved",
    "TrafficProgrammed",
    "MetricsAvailable",
]


def rolling(cluster: Cluster) -> Cluster:
    cluster.try_version()
    assert cluster.run(300, cluster.has_weight)
    return cluster


def test_every_condition_is_there_from_the_first_pass() -> None:
    cluster = Cluster(spec())
    cluster.reconcile()
    assert [condition["type"] for condition in cluster.status["conditions"]] == KINDS
    assert {condition["observedGeneration"] for condition in cluster.status["conditions"]} == {1}
    assert cluster.status["observedGeneration"] == 1


def test_a_transition_is_dated_only_when_the_status_flips(serving: Serving) -> None:
    cluster = serving()
    since = cluster.condition("Ready")["lastTransitionTime"]
    cluster.edit(scale={"replicas": 2})
    cluster.pass_until_quiet()
    assert cluster.condition("Ready")["lastTransitionTime"] == since
    assert cluster.condition("Ready")["observedGeneration"] == 2


def test_the_line_of_a_rollout_says_where_it_stands(serving: Serving) -> None:
    cluster = rolling(serving())
    cluster.rate = 100
    cluster.run(30)
    message = cluster.condition("Progressing")["message"]
    assert message.startswith("v2 at 10 %, step 1 of 2: errors undecided, about ")
    assert message.endswith(" until proven safe if it is as good as stable")
    assert cluster.condition("Ready")["status"] == "Unknown"
    assert cluster.condition("Ready")["reason"] == "RollingOut"


def test_metrics_that_need_the_same_are_named_together() -> None:
    cluster = Cluster(spec(analysis={"metrics": [{"name": name, "preset": "Errors"} for name in ("errors", "faults")]}))
    let_serve(cluster)
    rolling(cluster)
    assert cluster.run(60, lambda: "window 2 of 30" in cluster.condition("Ready")["message"])
    message = cluster.condition("Ready")["message"]
    assert message.startswith("v2 at 10 %, step 1 of 2: errors, faults undecided, learning what is normal, window 2")
    assert message.count("undecided") == 1


def test_without_replicas_nothing_is_said_to_serve() -> None:
    cluster = Cluster(spec(scale={"replicas": 0}))
    cluster.run(60)
    assert cluster.condition("Ready")["message"] == "v1 has no pods, for `scale.replicas` is 0"
    installed = next(event for event in cluster.events if event.reason == "Installed")
    assert installed.message == (
        "v1 is installed without pods, for `scale.replicas` is 0; there was no revision before it"
    )


def test_what_needs_a_person_is_a_warning_and_is_told_once() -> None:
    cluster = Cluster(spec())
    cluster.behave("1", pods="crash")
    assert cluster.run(600, lambda: cluster.condition("Stalled")["status"] == "True")
    cluster.run(120)
    told = [event for event in cluster.events if event.reason in {"Stalled", cluster.condition("Stalled")["reason"]}]
    assert [event.type for event in told] == ["Warning"]


def test_messages_do_not_change_within_a_tick(serving: Serving) -> None:
    cluster = rolling(serving())
    cluster.run(30)
    cluster.now += timedelta(seconds=3)
    before = cluster.writes
    cluster.pass_until_quiet()
    assert cluster.writes == before


def test_what_was_refused_needs_a_person(serving: Serving) -> None:
    cluster = serving()
    observed = replace(cluster.observe(), problems=("Service churn belongs to somebody else",))
    conditions = {c["type"]: c for c in decide(observed).status["conditions"]}
    assert conditions["Stalled"]["reason"] == "Refused"
    assert "belongs to somebody else" in conditions["Stalled"]["message"]
    assert conditions["Reconciling"]["status"] == "False"


def test_two_faults_at_once_are_both_said() -> None:
    """A runtime whose metrics nobody knows, with an image that nobody has."""
    cluster = Cluster(spec(runtime={"preset": "Custom", "image": "evil:1", "port": 8080}))
    cluster.pass_until_quiet()
    [revision] = {key[1].removeprefix("churn-") for key in cluster.children if key[0] == "Deployment"}
    state = {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}
    container = {"name": "model", "image": "evil:1", "restartCount": 0, "state": state}
    labels = {"rollmodel.dev/revision": revision, "rollmodel.dev/model-deployment": "churn"}
    pod = {"metadata": {"name": "p", "labels": labels}, "status": {"containerStatuses": [container]}}
    status = decide(replace(cluster.observe(), pods=[pod])).status
    ready = next(one for one in status["conditions"] if one["type"] == "Ready")
    assert ready["reason"] == "CannotMeasure"
    assert "the preset Custom knows no metric names" in ready["message"]
    assert "; also: v1: 0 of 2 pods ready; ImagePullFailed: pod p: image evil:1 cannot be pulled" in ready["message"]


def test_two_faults_that_need_a_person_are_one_condition(serving: Serving) -> None:
    cluster = rolling(serving())
    cluster.edit(analysis={"metrics": [{"name": "latency", "preset": "Latency"}]})
    cluster.pass_until_quiet()
    refused = ["exceeded quota"]
    status = decide(replace(cluster.observe(), problems=refused)).status
    stalled = next(one for one in status["conditions"] if one["type"] == "Stalled")
    assert stalled["reason"] == "Refused"
    assert stalled["message"].startswith("exceeded quota")
    assert "; also: metric 'errors' was taken out" in stalled["message"]


def test_an_outage_of_the_registry_is_told_once_and_its_end_too(serving: Serving) -> None:
    cluster = serving()
    cluster.events.clear()
    cluster.model = Problem("Unavailable", "connection refused", transient=True)
    cluster.run(120)
    cluster.model = model("1")
    cluster.run(120)
    assert [(event.type, event.reason) for event in cluster.events] == [
        ("Warning", "Unavailable"),
        ("Normal", "ModelResolved"),
    ]


def test_a_registry_that_has_not_answered_yet_is_no_news(serving: Serving) -> None:
    """An operator that starts beside a slow registry wrote two statuses and two Events for each object."""
    cluster = serving()
    cluster.run(60)
    cluster.events.clear()
    before = dict(cluster.status)
    cluster.model = Problem("NotAnsweredYet", "the registry has not answered yet", transient=True)
    cluster.run(30)
    assert (cluster.status, cluster.events) == (before, [])
    cluster.edit(scale={"replicas": 2})
    cluster.run(5)
    assert cluster.condition("ModelResolved")["reason"] == "NotAnsweredYet"


def test_a_spec_that_changed_meanwhile_is_not_called_ready(serving: Serving) -> None:
    cluster = serving()
    cluster.model = Problem("Unavailable", "connection refused", transient=True)
    cluster.edit(scale={"replicas": 2})
    cluster.run(60)
    assert cluster.condition("Ready")["status"] == "Unknown"
    assert cluster.condition("Reconciling")["status"] == "True"


def test_a_stable_revision_without_pods_stalls_after_the_deadline(serving: Serving) -> None:
    cluster = serving(rollout={"steps": [{"weight": 10}], "deadlineSeconds": 100})
    cluster.behave("1", pods="never")
    cluster.run(50)
    assert cluster.condition("Ready")["reason"] == "PodsNotReady"
    assert cluster.condition("Reconciling")["status"] == "True"
    cluster.run(100)
    assert cluster.condition("Stalled")["status"] == "True"


def test_scaled_to_zero_is_as_wanted_but_not_available(serving: Serving) -> None:
    cluster = serving()
    cluster.edit(scale={"replicas": 0})
    cluster.run(60)
    assert cluster.condition("Ready")["status"] == "True"
    assert cluster.condition("Available")["reason"] == "ScaledToZero"


@pytest.mark.parametrize("mode", [{"parentRefs": [{"name": "public"}]}, None])
def test_status_shows_what_is_observed_and_not_what_is_wished(serving: Serving, mode: object) -> None:
    cluster = serving(traffic=mode)
    cluster.gateway_lag = 3
    cluster.try_version()
    for _ in range(40):
        cluster.pass_until_quiet()
        for arm in ("stable", "candidate"):
            shown = cluster.status.get(arm, {})
            if shown and cluster.condition("TrafficProgrammed")["status"] == "True":
                assert abs(shown["weight"] - cluster.served.get(shown["revision"], 0)) <= 1
        cluster.advance()


def test_the_history_keeps_the_last_ten(serving: Serving) -> None:
    cluster = serving(scale={"replicas": 1}, rollout={"steps": [{"weight": 50}], "drainSeconds": 0})
    for number in range(2, 16):
        cluster.behave(str(number), pods="mismatch")
        cluster.model = model(str(number))
        cluster.run(60)
    assert len(cluster.status["history"]) == 10
    assert cluster.status["history"][-1]["toVersion"] == "15"
    records = [name for kind, name in cluster.children if kind == "ControllerRevision"]
    assert len(records) <= 7


def test_the_same_look_gives_the_same_decision(serving: Serving) -> None:
    cluster = rolling(serving())
    cluster.advance()
    observed = cluster.observe()
    assert decide(observed) == decide(observed)


def test_nothing_is_announced_at_rest(serving: Serving) -> None:
    cluster = serving()
    before = len(cluster.events)
    cluster.run(120)
    assert len(cluster.events) == before
