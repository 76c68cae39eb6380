"""InferencePools as backends: each revision has a pool and a picker, and gets traffic once the picker can choose."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from rollmodel.plan import naming
from rollmodel.plan.deployment.decide import decide
from rollmodel.plan.deployment.strategies.requirements import unmet

from tests.support.simulation.rollouts import TICK, Cluster, spec

PICKER: dict[str, Any] = {"image": "example.com/epp:1", "serviceAccountName": "picker"}
ROUTE: dict[str, Any] = {"parentRefs": [{"name": "public"}]}


def pools(**picker: Any) -> dict[str, Any]:
    return {**ROUTE, "inferencePool": {"endpointPicker": {**PICKER, **picker}}}


@cache
def _serving(failure_mode: str) -> Cluster:
    found = Cluster(spec(traffic=pools(failureMode=failure_mode)), rate=1000)
    found.behave("1", bad=0.05)
    assert found.run(600, lambda: found.condition("Ready")["status"] == "True")
    for _ in range(0, 1900, TICK):
        found.advance()
    found.pass_until_quiet()
    return found


def cluster(failure_mode: str = "FailOpen") -> Cluster:
    """Version 1 serves by its pool, and has a past."""
    return deepcopy(_serving(failure_mode))


def backends(found: Cluster) -> dict[str, tuple[str, int]]:
    """Kind and weight by name."""
    refs = [ref for rule in found.children["HTTPRoute", "churn"]["spec"]["rules"] for ref in rule["backendRefs"]]
    return {ref["name"]: (ref["kind"], ref["weight"]) for ref in refs}


def pool_kinds(found: Cluster, revision: str) -> set[str]:
    """What there is of the pool of a revision."""
    names = {("InferencePool", f"churn-{revision}"), *((k, f"churn-{revision}-epp") for k in ("Deployment", "Service"))}
    return {kind for kind, name in names if (kind, name) in found.children}


ALL = {"InferencePool", "Deployment", "Service"}


def test_a_rollout_goes_through_pools_of_both_revisions() -> None:
    found = cluster()
    stable, candidate = found.status["stable"]["revision"], found.try_version("2")
    weights, split = set[int](), dict[str, tuple[str, int]]()

    def over() -> bool:
        weights.add(found.served.get(candidate, 0))
        if found.served.get(candidate) == 50 and not split:
            split.update(backends(found))
        return found.arm("stable") == "2" and found.over()

    assert found.run(7200, over)
    assert weights == {0, 10, 50, 100}
    assert split == {f"churn-{one}": ("InferencePool", 50) for one in (stable, candidate)}
    assert pool_kinds(found, candidate) == ALL
    assert pool_kinds(found, stable) == set()


def test_a_harmful_version_loses_its_weight_and_then_its_picker() -> None:
    found = cluster()
    candidate = found.try_version("2", bad=0.5)
    assert found.run(3600, found.has_weight)
    assert found.run(3600, found.over)
    assert found.verdicts()[-1] == "RolledBack v2"
    assert pool_kinds(found, candidate) == set()


def test_a_pool_selects_the_pods_of_its_revision_and_its_picker_is_told_its_name() -> None:
    found = cluster()
    stable = found.status["stable"]["revision"]
    pool = found.children["InferencePool", f"churn-{stable}"]
    template = found.children["Deployment", f"churn-{stable}"]["spec"]["template"]
    assert pool["apiVersion"] == "inference.networking.k8s.io/v1"
    assert pool["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    assert pool["spec"]["targetPorts"] == [{"number": 8080}]
    ref = pool["spec"]["endpointPickerRef"]
    service = found.children["Service", ref["name"]]
    assert ref["port"]["number"] == service["spec"]["ports"][0]["port"] == 9002
    pods = found.children["Deployment", ref["name"]]["spec"]["template"]
    assert service["spec"]["selector"].items() <= pods["metadata"]["labels"].items()
    assert not pods["metadata"]["labels"].keys() & {naming.OWNER, naming.REVISION}, "none of the model's pods"
    (container,) = pods["spec"]["containers"]
    assert {one["name"]: one["value"] for one in container["env"]} == {
        "POOL_NAME": f"churn-{stable}",
        "POOL_NAMESPACE": "prod",
    }
    assert pods["spec"]["serviceAccountName"] == "picker"


def test_a_candidate_without_a_ready_picker_gets_no_traffic_and_says_why() -> None:
    found = cluster()
    found.picks = False
    candidate = found.try_version("2")
    assert found.run(3600, found.over) is True
    assert candidate not in found.served
    (entry,) = [one for one in found.status["history"] if one.get("toVersion") == "2"]
    assert entry["verdict"] == "RolledBack"


def test_what_it_waits_for_is_told() -> None:
    found = cluster()
    found.picks = False
    candidate = found.try_version("2")
    found.run(60)
    assert (
        f"PickerNotReady: no traffic before endpoint picker churn-{candidate}-epp"
        in (found.condition("Progressing")["message"])
    )
    found.picks = True
    assert found.run(3600, found.has_weight)


@pytest.mark.parametrize(("failure_mode", "stays"), [("FailOpen", True), ("FailClose", False)])
def test_a_picker_that_goes_takes_weight_away_only_where_requests_fail_without_it(
    failure_mode: str, stays: bool
) -> None:
    found = cluster(failure_mode)
    stable, candidate = found.status["stable"]["revision"], found.try_version("2")
    assert found.run(3600, found.has_weight)
    found.picks = False
    found.run(50)
    assert (candidate in found.served) is stays
    assert found.served[stable] >= 50, "stable keeps its traffic, whatever becomes of its picker"


def test_before_the_first_picker_is_ready_the_service_answers() -> None:
    found = Cluster(spec(traffic=ROUTE), rate=1000)
    assert found.run(600, lambda: found.condition("Ready")["status"] == "True")
    stable = found.status["stable"]["revision"]
    found.picks = False
    found.edit(traffic=pools())
    found.run(100)
    assert backends(found) == {f"churn-{stable}": ("Service", 100)}
    assert found.condition("Ready")["status"] == "True"
    found.picks = True
    found.run(100)
    assert backends(found) == {f"churn-{stable}": ("InferencePool", 100)}
    found.picks = False
    found.run(100)
    assert backends(found) == {f"churn-{stable}": ("InferencePool", 100)}, "a route does not follow every restart"


@pytest.mark.parametrize("traffic", [ROUTE, None])
def test_pools_go_once_no_gateway_needs_them(traffic: dict[str, Any] | None) -> None:
    found = cluster()
    stable = found.status["stable"]["revision"]
    found.edit(traffic=traffic)
    found.reconcile()
    if traffic is not None:
        assert backends(found) == {f"churn-{stable}": ("Service", 100)}
        assert pool_kinds(found, stable) == ALL, "the Gateway has the route of before in force"
    found.run(100)
    assert pool_kinds(found, stable) == set()
    assert found.condition("Ready")["status"] == "True"


def test_nothing_is_written_at_rest() -> None:
    found = cluster()
    before = found.writes
    found.run(600)
    assert found.writes == before


def test_where_the_kind_is_missing_the_condition_says_what_helps() -> None:
    found = Cluster(spec(traffic=pools()))
    found.run(120)
    decision = decide(replace(found.observe(), missing_kinds=frozenset({"InferencePool"})))
    stalled = next(one for one in decision.status["conditions"] if one["type"] == "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "GatewayAPIMissing")
    assert "features.inferencePools" in stalled["message"]


def test_copies_are_refused_and_clients_with_a_mark_are_not() -> None:
    problem = unmet(spec(traffic=pools(), rollout={"strategy": "Shadow", "shadow": {"percent": 20}}))
    assert problem is not None
    assert "traffic.inferencePool" in problem.message
    test = {"strategy": "ABTest", "abTest": {"header": {"name": "x-group", "value": "b"}}}
    assert unmet(spec(traffic=pools(), rollout=test)) is None


def test_args_of_another_picker_replace_the_usual_ones() -> None:
    found = Cluster(spec(traffic=pools(args=["--pool=$(POOL_NAME)"], replicas=2, port=9100, healthPort=9101)))
    found.run(100)
    (picker,) = found.pickers()
    (container,) = picker["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["--pool=$(POOL_NAME)"]
    assert container["readinessProbe"]["grpc"] == {"port": 9101}
    assert picker["spec"]["replicas"] == 2


@pytest.mark.parametrize("strategy", ["Canary", "BlueGreen", "Swap"])
@pytest.mark.parametrize("failure_mode", ["FailOpen", "FailClose"])
def test_pickers_come_and_go_and_every_promise_is_kept(strategy: str, failure_mode: str) -> None:
    """The simulated world checks each decision: weight only to ready pods, pods and pickers go after their traffic."""
    policy: dict[str, Any] = {"strategy": strategy, "warmUpSeconds": 20, "drainSeconds": 20}
    if strategy != "BlueGreen":
        policy["steps"] = [{"weight": 10}, {"weight": 50}]
    found = Cluster(spec(traffic=pools(failureMode=failure_mode), rollout=policy), rate=1000)
    found.behave("1", bad=0.05)
    assert found.run(600, lambda: found.condition("Ready")["status"] == "True")
    found.run(1900)
    found.try_version("2")
    for seconds, picks in ((70, False), (120, True), (90, False), (300, True), (60, False), (60, True)):
        found.picks = picks
        found.run(seconds)
    assert found.run(7200, lambda: found.over() or found.condition("Paused")["status"] == "True")
    routed = {name for name, (kind, _) in backends(found).items() if kind == "InferencePool"}
    assert routed == set(backends(found)), "whoever has traffic in the end has it by a pool"


def test_a_baseline_has_a_pool_and_waits_for_its_picker() -> None:
    found = cluster()
    found.edit(rollout={**found.spec.rollout.to_wire(), "baseline": "Fresh"})
    found.picks = False
    candidate = found.try_version("2")
    found.run(60)
    baseline = found.baseline
    assert pool_kinds(found, baseline) == ALL
    assert baseline not in found.served
    found.picks = True
    assert found.run(600, lambda: found.served.get(baseline) == found.served.get(candidate, 0) > 0)
    assert backends(found)[f"churn-{baseline}"][0] == "InferencePool"
    assert found.run(7200, lambda: found.arm("stable") == "2" and found.over())
    assert pool_kinds(found, baseline) == set()
