"""The promises, under whatever may happen: the checks are in the cluster in memory, at every single write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rollmodel.plan.problem import Problem

from tests.support.running.effort import effort
from tests.support.simulation.autoscaler import Autoscaler
from tests.support.simulation.gateways import GATEWAYS
from tests.support.simulation.rollouts import Cluster, model, spec

VERSIONS = ("1", "2", "3")
QUICK = {
    "steps": [{"weight": 20}, {"weight": 50}],
    "warmUpSeconds": 10,
    "drainSeconds": 20,
    "deadlineSeconds": 100,
}
POLICIES: dict[str, dict[str, Any]] = {
    "canary": {},
    "canary, baked": {"bakeSeconds": 60},
    "canary, ramped": {"ramp": {}},
    "canary, beside a baseline": {"baseline": "Fresh", "bakeSeconds": 60},
    "canary, ramped beside a baseline": {"baseline": "Fresh", "ramp": {}},
    "blue/green": {"strategy": "BlueGreen", "blueGreen": {"previewSeconds": 30}, "bakeSeconds": 60},
    "shadow": {"strategy": "Shadow", "shadow": {"percent": 50}, "bakeSeconds": 60},
    "shadow, then a ramp": {"strategy": "Shadow", "shadow": {"percent": 50}, "ramp": {"startWeight": 20}},
    "swap": {"strategy": "Swap"},
    "a/b": {
        "strategy": "ABTest",
        "abTest": {"header": {"name": "x-group", "value": "b"}, "percent": 20, "horizonSeconds": 120},
    },
}
SPLITS: dict[str, Any] = {"route": {"parentRefs": [{"name": "public"}]}, "replicas": None}
_PICKER = {"image": "example.com/epp:1", "serviceAccountName": "picker"}
ALL_SPLITS = {**SPLITS, "pools": {**SPLITS["route"], "inferencePool": {"endpointPicker": _PICKER}}}

Happening = Callable[[Cluster], None]


def move_alias(version: str) -> Happening:
    return lambda cluster: setattr(cluster, "model", model(version))


def behave(version: str, pods: Any, bad: float) -> Happening:
    return lambda cluster: (cluster.behave(version, pods, bad), None)[1]


def scale(replicas: int, page: dict[str, Any]) -> Happening:
    return lambda cluster: cluster.edit(scale={"replicas": replicas, **page})


def split(name: str) -> Happening:
    return lambda cluster: cluster.edit(traffic=SPLITS[name])


def compare_with(baseline: str) -> Happening:
    """Fresh pods of stable beside the candidate, or none any more: the strategy must be one that may have them."""

    def act(cluster: Cluster) -> None:
        if cluster.spec.rollout.strategy == "Canary":
            cluster.edit(rollout={**cluster.spec.rollout.to_wire(), "baseline": baseline})

    return act


def blind(kind: Any) -> Happening:
    return lambda cluster: setattr(cluster, "metrics", kind)


def say(verb: str, arm: str, nonce: str) -> Happening:
    def act(cluster: Cluster) -> None:
        cluster.command(verb, cluster.status.get(arm, {}).get("revision", "nothing"), nonce)

    return act


def scrapes(how: Any) -> Happening:
    return lambda cluster: setattr(cluster, "targets", how)


def lose_registry(cluster: Cluster) -> None:
    cluster.model = Problem("Unavailable", "connection refused", transient=True)


def edit_route(cluster: Cluster) -> None:
    route = cluster.children.get(("HTTPRoute", "churn"))
    if route is not None:
        route["spec"]["rules"][0]["backendRefs"][0]["weight"] = 3
        route["metadata"]["generation"] += 1


def delete_child(number: int) -> Happening:
    """Somebody deletes a child. Its pods, if it had some, are gone with it."""

    def act(cluster: Cluster) -> None:
        keys = sorted(cluster.children)
        if keys:
            key = keys[number % len(keys)]
            cluster.remove(*key)

    return act


def lose_status(cluster: Cluster) -> None:
    cluster.status = {}


def kill(writes: int) -> Happening:
    return lambda cluster: (cluster.reconcile(killed_after=writes), None)[1]


def lose_writes(kind: str) -> Happening:
    """The API server takes objects of a kind in this pass, and neither stores them nor answers."""
    return lambda cluster: (cluster.reconcile(lost=kind), None)[1]


def refuse(*kinds: str) -> Happening:
    """The API server takes no more objects of these kinds, or does again."""
    return lambda cluster: setattr(cluster, "refused", frozenset(kinds))


HAPPENINGS = st.one_of(
    st.builds(move_alias, st.sampled_from(VERSIONS)),
    st.builds(
        behave,
        st.sampled_from(VERSIONS),
        st.sampled_from(["good", "good", "crash", "never"]),
        st.sampled_from([0.05, 0.5]),
    ),
    st.builds(blind, st.sampled_from(["good", "missing", "down", "strange", "hanging", "trickling"])),
    st.builds(scrapes, st.sampled_from(["up", "down", "none"])),
    st.builds(
        say,
        st.sampled_from(["promote", "abort", "pause", "resume", "retry", "dance"]),
        st.sampled_from(["candidate", "candidate", "stable", "rejected"]),
        st.text("ab", min_size=1, max_size=2),
    ),
    st.builds(scale, st.sampled_from([0, 1, 3]), st.sampled_from([{}, {"holdingPage": {}}])),
    st.builds(split, st.sampled_from(sorted(SPLITS))),
    st.builds(compare_with, st.sampled_from(["Stable", "Fresh"])),
    st.builds(delete_child, st.integers(0, 8)),
    st.builds(kill, st.integers(0, 3)),
    st.builds(lose_writes, st.sampled_from(["Deployment", "HTTPRoute", "Service", "ControllerRevision"])),
    st.builds(refuse, st.sampled_from(["Deployment", "HTTPRoute", "Service", "ControllerRevision"])),
    st.sampled_from([lose_registry, edit_route, lose_status, refuse()]),
)
#: Who the neighbours are: how late a gateway is and what it writes; how samples come, late, seldom, by another clock;
#: how long a pass waits for answers; whether an autoscaler writes the number of pods.
WORLD: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"gateway_lag": st.integers(0, 3), "gateway": st.sampled_from(sorted(GATEWAYS))},
    optional={
        "lag": st.sampled_from([0, 20, 60]),
        "latency_offset": st.sampled_from([0, 30]),
        "scrape": st.sampled_from([10, 15, 30, 60]),
        "skew": st.sampled_from([-20, 0, 20]),
        "late": st.sampled_from([0, 1, 3]),
        "autoscaler": st.builds(Autoscaler, target=st.sampled_from([300.0, 2000.0]), most=st.just(6)),
    },
)
LIFE = st.lists(st.tuples(HAPPENINGS, st.sampled_from([0, 10, 60, 150])), max_size=10)


@pytest.mark.parametrize("strategy", sorted(POLICIES))
@pytest.mark.parametrize("traffic", sorted(SPLITS))
@settings(max_examples=effort(2, 8), deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(life=LIFE, world=WORLD)
def test_whatever_happens_it_comes_to_rest(
    strategy: str, traffic: str, life: list[tuple[Happening, int]], world: dict[str, Any]
) -> None:
    comes_to_rest(strategy, traffic, life, world)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", sorted(POLICIES))
@pytest.mark.parametrize("traffic", sorted(ALL_SPLITS))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(life=LIFE, world=WORLD)
def test_whatever_else_happens_it_comes_to_rest(
    strategy: str, traffic: str, life: list[tuple[Happening, int]], world: dict[str, Any]
) -> None:
    comes_to_rest(strategy, traffic, life, world)


def comes_to_rest(strategy: str, traffic: str, life: list[tuple[Happening, int]], world: dict[str, Any]) -> None:
    """A life in a world, then good neighbours, and an operator that was told how late samples are: it comes to an end.

    The end is told, and nothing more is written.
    """
    policy = {**QUICK, **POLICIES[strategy]}
    if "ramp" in policy:
        del policy["steps"]
    cluster = Cluster(spec(rollout=policy, traffic=ALL_SPLITS[traffic]), behaviours={}, rate=1000, **world)
    for version in VERSIONS:
        cluster.behave(version, bad=0.05)
    cluster.run(100)
    for happen, seconds in life:
        happen(cluster)
        cluster.run(seconds)
    cluster.metrics, cluster.targets, cluster.late, cluster.refused = "good", "up", 0, frozenset()
    cluster.defaults = replace(cluster.defaults, prometheus_delay_seconds=cluster.delay)
    if isinstance(cluster.model, Problem):
        cluster.model = model("1")
    assert cluster.run(7200, lambda: at_rest(cluster)), cluster.condition("Progressing")
    cluster.run(800)  # a size that was kept for an autoscaler goes down in steps; what lost may be tried again
    assert cluster.run(7200, Quiet(cluster)), cluster.condition("Progressing")


class Quiet:
    """Whether nothing has been written for 200 s of rest; but a candidate that waits is looked at tick by tick.

    What is tried again by itself at a time that was told rests until then: the first time is 300 s after it lost.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._since, self._writes = cluster, cluster.now, cluster.writes

    def __call__(self) -> bool:
        wrote = self._cluster.writes != self._writes and not self._cluster.status.get("candidate")
        if wrote or not at_rest(self._cluster):
            self._since = self._cluster.now
        self._writes = self._cluster.writes
        return self._cluster.now - self._since >= timedelta(seconds=200)


def at_rest(cluster: Cluster) -> bool:
    """Nothing moves by itself any more: done, stuck and saying so, or waiting for a person or for replicas."""
    if not cluster.status:  # lost, and no pass has ended since
        return False
    if cluster.status.get("candidate", {}).get("step") == -1 and cluster.status.get("stable"):
        return cluster.condition("Progressing")["reason"] in {"ScaledToZero", "Paused"}
    waits = (
        cluster.condition("Paused")["status"] == "True" or cluster.condition("Progressing")["reason"] == "ScaledToZero"
    )
    return waits or (cluster.condition("Reconciling")["status"] == "False" and not cluster.status["retiring"])
