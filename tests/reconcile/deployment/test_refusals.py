"""A verdict acts at once: what the API server refuses of one object holds up no other, least of all the route."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rollmodel.errors import Invalid, RollmodelError, Unavailable
from rollmodel.plan.decision import Ref
from rollmodel.reconcile.result import Reconciler

from tests.reconcile.conftest import Bench

POLICY = Invalid("ValidatingAdmissionPolicy 'at-most-two' denied request: at most 2 replicas")
WEBHOOK = Unavailable('failed calling webhook "policies.example.com": connection refused')


async def passes(bench: Bench, operator: Reconciler, ref: Ref, number: int = 6) -> None:
    """Some time goes by."""
    for _ in range(number):
        await bench.settle(operator, ref)
        bench.make_ready()
        bench.take_up_routes()
        bench.clock.forward(60)


async def canary(bench: Bench, operator: Reconciler) -> Ref:
    """Version 2 has a quarter of the traffic."""
    rollout = {"steps": [{"weight": 25}, {"pause": "Manual"}], "analysis": None}
    ref = bench.create(traffic={"parentRefs": [{"name": "public"}]}, rollout=rollout)
    await passes(bench, operator, ref)
    assert bench.weights(ref) == {"1": 100}
    bench.registry.publish("2", "challenger")
    await passes(bench, operator, ref)
    assert bench.weights(ref) == {"1": 75, "2": 25}
    return ref


def refuse(bench: Bench, error: RollmodelError, refused: Callable[[Ref], bool]) -> None:
    def fault(verb: str, target: Ref) -> None:
        if verb == "apply" and refused(target):
            raise error

    bench.kube.fault = fault


def abort(bench: Bench, ref: Ref) -> None:
    revision = bench.status(ref)["candidate"]["revision"]
    command = {"rollmodel.dev/command": f"abort {revision} 1"}
    bench.kube.edit(ref, lambda obj: obj["metadata"].update(annotations=command))


@pytest.mark.parametrize("error", [POLICY, WEBHOOK], ids=["policy", "webhook"])
async def test_a_loser_gives_its_traffic_back_though_deployments_are_refused(
    bench: Bench, error: RollmodelError
) -> None:
    operator = bench.operator()
    ref = await canary(bench, operator)
    refuse(bench, error, lambda target: target.kind == "Deployment")
    bench.kube.edit(ref, lambda obj: obj["spec"].update(scale={"replicas": 3}))
    abort(bench, ref)
    await bench.a_pass(operator, ref)
    assert bench.weights(ref) == {"1": 100}
    await passes(bench, operator, ref)
    assert bench.conditions(ref)["Stalled"] == ("True", "Refused")
    message = next(one["message"] for one in bench.status(ref)["conditions"] if one["type"] == "Stalled")
    assert str(error) in message
    assert message.endswith("traffic: v1 100 %")
    bench.kube.fault = lambda verb, ref: None
    await passes(bench, operator, ref)
    assert bench.conditions(ref)["Stalled"][1] != "Refused"
    assert {one["spec"]["replicas"] for one in bench.kube.of_kind("Deployment")} == {3}


async def test_a_webhook_that_failed_once_needs_no_person(bench: Bench) -> None:
    operator = bench.operator()
    ref = await canary(bench, operator)
    refuse(bench, WEBHOOK, lambda target: target.kind == "Deployment")
    bench.kube.edit(ref, lambda obj: obj["spec"].update(scale={"replicas": 3}))
    result = await bench.a_pass(operator, ref)
    result = await bench.a_pass(operator, ref) if result.wrote else result
    assert result.requeue_after is not None
    assert result.requeue_after <= 10
    bench.kube.fault = lambda verb, ref: None
    await passes(bench, operator, ref)
    assert bench.conditions(ref)["Stalled"][0] == "False"
    assert "Refused" not in {event.reason for event in bench.kube.events}


async def test_a_candidate_whose_service_is_refused_gets_no_traffic(bench: Bench) -> None:
    operator = bench.operator()
    ref = bench.create(traffic={"parentRefs": [{"name": "public"}]}, rollout={"steps": [{"weight": 25}]})
    await passes(bench, operator, ref)
    theirs = {one["metadata"]["name"] for one in bench.kube.of_kind("Service")}
    refuse(bench, POLICY, lambda target: target.kind == "Service" and target.name not in theirs)
    bench.registry.publish("2", "challenger")
    await passes(bench, operator, ref)
    assert bench.weights(ref) == {"1": 100}
    assert bench.conditions(ref)["Stalled"] == ("True", "Refused")
    bench.kube.fault = lambda verb, ref: None
    await passes(bench, operator, ref)
    assert bench.weights(ref)["2"] == 25
