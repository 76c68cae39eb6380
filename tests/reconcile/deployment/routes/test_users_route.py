"""A rule of somebody else's route on neighbours in memory: no request at rest, given back when the object goes."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.errors import Conflict, Unavailable
from rollmodel.plan import naming
from rollmodel.plan.decision import Ref
from rollmodel.reconcile.result import Finalizer, Reconciler

from tests.reconcile.conftest import Bench

PLAIN = [{"group": "", "kind": "Service", "name": "churn", "port": 80, "weight": 1}]
SITE = Ref("gateway.networking.k8s.io/v1", "HTTPRoute", "team", "site")
SPEC: dict[str, Any] = {
    "traffic": {"routeRef": {"name": "site", "rule": "model"}},
    "rollout": {"steps": [{"weight": 50}, {"pause": "Manual"}], "warmUpSeconds": 0, "drainSeconds": 0},
    "analysis": {"metrics": []},
}


def site(bench: Bench, *, labelled: bool = True) -> None:
    """Its owner makes the route."""
    labels = {naming.MANAGED_BY: naming.FIELD_MANAGER} if labelled else {}
    meta = {"name": "site", "namespace": "team", "labels": labels}
    spec = {"parentRefs": [{"name": "public"}], "rules": [{"name": "model", "backendRefs": PLAIN}]}
    bench.kube.create({"apiVersion": SITE.api_version, "kind": SITE.kind, "metadata": meta, "spec": spec})


def backends(bench: Bench) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = bench.kube.objects[SITE]["spec"]["rules"][0]["backendRefs"]
    return found


async def go_on(bench: Bench, operator: Reconciler, ref: Ref, times: int = 5) -> None:
    for _ in range(times):
        await bench.settle(operator, ref)
        bench.make_ready()
        bench.take_up_routes()
        bench.clock.forward(30)
    await bench.settle(operator, ref)


async def in_a_rollout(bench: Bench) -> tuple[Reconciler, Ref]:
    """Half of the requests go to version 2."""
    site(bench)
    operator = bench.operator()
    ref = bench.create(**SPEC)
    await go_on(bench, operator, ref)
    assert bench.conditions(ref)["Ready"] == ("True", "Serving")
    bench.registry.publish("2", "challenger")
    await go_on(bench, operator, ref)
    assert sorted(one["weight"] for one in backends(bench)) == [50, 50]
    return operator, ref


async def finalize(operator: Reconciler, bench: Bench, ref: Ref) -> None:
    assert isinstance(operator, Finalizer)
    assert operator.owes(bench.kube.objects[ref])
    await operator.finalize(bench.kube.objects[ref])


async def test_nothing_is_asked_or_written_at_rest(bench: Bench) -> None:
    site(bench)
    operator = bench.operator()
    ref = bench.create(**SPEC)
    await go_on(bench, operator, ref)
    bench.kube.reads.clear()
    bench.kube.writes.clear()
    await bench.a_pass(operator, ref)
    assert (bench.kube.reads, bench.kube.writes, backends(bench)) == ([("get", ref)], [], PLAIN)  # of the test itself
    assert isinstance(operator, Finalizer)
    assert not operator.owes(bench.kube.objects[ref])


async def test_without_the_label_it_is_not_touched(bench: Bench) -> None:
    site(bench, labelled=False)
    operator = bench.operator()
    ref = bench.create(**SPEC)
    await go_on(bench, operator, ref)
    assert bench.conditions(ref)["Stalled"] == ("True", "RouteNotGranted")
    assert "set_backends" not in {verb for verb, _ in bench.kube.writes}


async def test_it_is_given_back_when_the_object_is_deleted(bench: Bench) -> None:
    operator, ref = await in_a_rollout(bench)
    await finalize(operator, bench, ref)
    assert backends(bench) == PLAIN
    await finalize(operator, bench, ref)  # again, as after a restart
    assert backends(bench) == PLAIN


async def test_a_gateway_that_writes_status_meanwhile_holds_nothing_up(bench: Bench) -> None:
    operator, ref = await in_a_rollout(bench)
    failures = iter([Conflict("modified"), Conflict("modified")])

    def fault(verb: str, _: Ref) -> None:
        if verb == "set_backends" and (error := next(failures, None)) is not None:
            raise error

    bench.kube.fault = fault
    await finalize(operator, bench, ref)
    assert backends(bench) == PLAIN


@pytest.mark.parametrize("error", [Unavailable("down"), Conflict("modified")])
async def test_a_route_that_cannot_be_given_back_lets_the_object_go(bench: Bench, error: Exception) -> None:
    operator, ref = await in_a_rollout(bench)

    def fault(verb: str, _: Ref) -> None:
        if verb == "set_backends":
            raise error

    bench.kube.fault = fault
    await finalize(operator, bench, ref)
    assert backends(bench) != PLAIN
    bench.kube.fault = lambda verb, ref: None
    del bench.kube.objects[SITE]
    await finalize(operator, bench, ref)


async def test_what_changed_since_it_was_read_is_read_again(bench: Bench) -> None:
    operator, ref = await in_a_rollout(bench)
    bench.registry.publish("1", "challenger")
    raised = iter([Conflict("modified")])

    def fault(verb: str, _: Ref) -> None:
        if verb == "set_backends" and (error := next(raised, None)) is not None:
            raise error

    bench.kube.fault = fault
    with pytest.raises(Conflict):
        await bench.settle(operator, ref)
    await go_on(bench, operator, ref)
    assert backends(bench) == PLAIN
    assert bench.conditions(ref)["Ready"] == ("True", "Serving")
