"""Two ModelDeployments with one address: the younger says so, claims no traffic and begins nothing."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.plan.decision import Ref
from rollmodel.reconcile.result import Reconciler

from tests.reconcile.conftest import Bench

PUBLIC: dict[str, Any] = {"parentRefs": [{"name": "public"}]}
#: What nobody else has: host, path, listener, Gateway.
APART: list[dict[str, Any]] = [
    {**PUBLIC, "hostnames": ["b.example"]},
    {**PUBLIC, "pathPrefix": "/b"},
    {"parentRefs": [{"name": "public", "namespace": "infra"}]},
]


async def serve(bench: Bench, operator: Reconciler, *refs: Ref) -> None:
    """Passes over all of them, until their pods and routes are there."""
    for _ in range(3):
        for ref in refs:
            await bench.settle(operator, ref)
        bench.make_ready()
        bench.take_up_routes()
        bench.clock.forward(60)
    for ref in refs:
        await bench.settle(operator, ref)


async def test_the_younger_says_who_has_its_address(bench: Bench) -> None:
    operator = bench.operator()
    older, younger = bench.create(name="a", traffic=PUBLIC), bench.create(name="b", traffic=PUBLIC)
    await serve(bench, operator, younger, older)
    assert bench.conditions(older)["Ready"] == ("True", "Serving")
    for kind, status in {"Ready": "False", "TrafficProgrammed": "False", "Stalled": "True"}.items():
        assert bench.conditions(younger)[kind] == (status, "AddressTaken")
    conditions = {one["type"]: one for one in bench.status(younger)["conditions"]}
    assert "team/a is older and has the address team/public */" in conditions["TrafficProgrammed"]["message"]
    assert bench.status(younger)["stable"]["weight"] == 0
    bench.registry.publish("2", "challenger")
    await serve(bench, operator, younger)
    assert "candidate" not in bench.status(younger)


async def test_who_has_waited_for_an_address_is_woken_when_it_is_free(bench: Bench) -> None:
    operator = bench.operator()
    older, younger = bench.create(name="a", traffic=PUBLIC), bench.create(name="b", traffic=PUBLIC)
    await serve(bench, operator, younger, older)
    bench.woken.clear()
    operator.forget(bench.kube.objects[older]["metadata"]["uid"])
    assert bench.woken == [bench.kube.objects[younger]["metadata"]["uid"]]
    await bench.settle(operator, younger)
    assert bench.conditions(younger)["Ready"] == ("True", "Serving")
    assert bench.status(younger)["stable"]["weight"] == 100


@pytest.mark.parametrize("other", APART)
async def test_other_addresses_are_no_conflict(bench: Bench, other: dict[str, Any]) -> None:
    operator = bench.operator()
    refs = bench.create(name="a", traffic={**PUBLIC, "hostnames": ["a.example"]}), bench.create(name="b", traffic=other)
    for ref in refs * 2:
        await bench.settle(operator, ref)
    assert [bench.conditions(ref)["TrafficProgrammed"][1] for ref in refs] == ["NoRouteYet", "NoRouteYet"]


async def test_one_of_two_hosts_that_is_taken_is_told_and_the_other_keeps_its_traffic(bench: Bench) -> None:
    operator = bench.operator()
    older = bench.create(name="a", traffic={**PUBLIC, "hostnames": ["a.example"]})
    younger = bench.create(name="b", traffic={**PUBLIC, "hostnames": ["a.example", "b.example"]})
    await serve(bench, operator, older, younger)
    assert bench.conditions(younger)["TrafficProgrammed"] == ("False", "AddressTaken")
    assert bench.status(younger)["stable"]["weight"] == 100


def other_route(
    bench: Bench, *, created: str, path: str = "/invocations", gateway: str = "public", accepted: str = "True"
) -> Ref:
    """A route of another team, in another namespace."""
    metadata = {"name": "web", "namespace": "shop", "creationTimestamp": created}
    parent = {"name": gateway, "namespace": "team"}
    spec = {
        "parentRefs": [parent],
        "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": path}}], "backendRefs": [{"name": "web"}]}],
    }
    manifest = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": metadata, "spec": spec}
    ref = Ref.of(bench.kube.create(manifest))
    answer = {
        "parentRef": parent,
        "controllerName": "example.com/gateway",
        "conditions": [{"type": "Accepted", "status": accepted}],
    }
    bench.kube.edit(ref, lambda obj: obj["metadata"].update(creationTimestamp=created))
    bench.kube.edit(ref, lambda obj: obj.update(status={"parents": [answer]}))
    return ref


async def test_an_older_route_of_another_team_is_named(bench: Bench) -> None:
    other_route(bench, created="2020-01-01T00:00:00Z")
    operator, mine = bench.operator(), bench.create(name="a", traffic=PUBLIC)
    await serve(bench, operator, mine)
    conditions = {one["type"]: one for one in bench.status(mine)["conditions"]}
    assert conditions["TrafficProgrammed"]["reason"] == "AddressTaken"
    assert (
        "HTTPRoute shop/web is older and has the address team/public */invocations"
        in (conditions["TrafficProgrammed"]["message"])
    )


@pytest.mark.parametrize(
    "different",
    [
        {"created": "2999-01-01T00:00:00Z"},
        {"path": "/"},
        {"path": "/shop"},
        {"gateway": "other"},
        {"accepted": "False"},
    ],
)
async def test_routes_of_others_that_are_younger_or_elsewhere_do_not_matter(
    bench: Bench, different: dict[str, str]
) -> None:
    other_route(bench, **{"created": "2020-01-01T00:00:00Z", **different})
    operator, mine = bench.operator(), bench.create(name="a", traffic=PUBLIC)
    await serve(bench, operator, mine)
    assert bench.conditions(mine)["Ready"] == ("True", "Serving")


async def test_one_list_serves_all_and_none_is_asked_for_at_rest(bench: Bench) -> None:
    operator = bench.operator()
    refs = [bench.create(name=name, traffic={**PUBLIC, "pathPrefix": f"/{name}"}) for name in ("a", "b", "c")]
    for _ in range(3):
        for ref in refs:
            await bench.settle(operator, ref)
        bench.make_ready()
        bench.take_up_routes()
    bench.kube.reads.clear()
    bench.clock.forward(3600)
    for ref in refs:
        await bench.settle(operator, ref)
    assert not [read for read in bench.kube.reads if read[1].kind == "HTTPRoute"]


async def test_a_route_that_goes_frees_its_address_within_a_minute(bench: Bench) -> None:
    theirs = other_route(bench, created="2020-01-01T00:00:00Z")
    operator, mine = bench.operator(), bench.create(name="a", traffic=PUBLIC)
    await serve(bench, operator, mine)
    assert bench.conditions(mine)["Ready"] == ("False", "AddressTaken")
    del bench.kube.objects[theirs]
    bench.clock.forward(60)
    await bench.settle(operator, mine)
    assert bench.conditions(mine)["Ready"] == ("True", "Serving")
