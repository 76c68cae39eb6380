"""Passes over a ModelDeployment with the real decisions: it is served, it heals, and a crash changes nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from rollmodel.errors import Conflict, Forbidden, Invalid, Unavailable
from rollmodel.plan.decision import Ref
from rollmodel.reconcile.rejections import REFUSED_RETRY_SECONDS

from tests.reconcile.conftest import Bench
from tests.support import virtual_time


class Killed(BaseException):
    """The process ends here."""


async def serve(bench: Bench, ref: Ref) -> None:
    """Bring it up, pods and all."""
    operator = bench.operator()
    for _ in range(3):
        await bench.settle(operator, ref)
        bench.make_ready()
        bench.clock.forward(60)
    await bench.settle(operator, ref)


def shape(bench: Bench) -> dict[str, Any]:
    """The cluster without what differs from run to run."""
    return {
        f"{ref.kind}/{ref.name}": obj.get("spec", obj.get("data"))
        for ref, obj in sorted(bench.kube.objects.items(), key=str)
    }


async def test_it_is_served(bench: Bench) -> None:
    ref = bench.create()
    await serve(bench, ref)
    assert bench.conditions(ref)["Ready"][0] == "True"
    assert bench.status(ref)["stable"]["modelVersion"] == "1"
    assert bench.status(ref)["observedGeneration"] == 1
    kinds = {obj["kind"] for obj in bench.kube.objects.values()}
    assert kinds == {"ModelDeployment", "Deployment", "ControllerRevision", "Service"}


async def test_at_rest_a_pass_costs_nothing(bench: Bench) -> None:
    ref = bench.create()
    await serve(bench, ref)
    body = bench.kube.objects[ref]
    for log in (bench.kube.writes, bench.kube.reads, bench.metrics.asked):
        log.clear()
    result = await bench.operator().reconcile(body)
    assert not result.wrote
    assert (bench.kube.writes, bench.kube.reads, bench.metrics.asked) == ([], [], [])


@pytest.mark.parametrize("kind", ["Deployment", "Service"])
async def test_what_was_deleted_by_hand_comes_back(bench: Bench, kind: str) -> None:
    ref = bench.create()
    await serve(bench, ref)
    before = shape(bench)
    for obj in bench.kube.of_kind(kind):
        bench.kube.remove(Ref.of(obj))
    await serve(bench, ref)
    assert shape(bench) == before


@pytest.mark.parametrize("arrived", [False, True], ids=["lost", "arrived"])
@pytest.mark.parametrize("fatal", range(1, 7))  # a calm run makes six writes
async def test_killed_at_any_write_it_ends_the_same(bench: Bench, fatal: int, arrived: bool) -> None:
    """The process is killed at its n-th write, which may have arrived; the next process goes on."""
    calm = Bench()
    calm.registry.publish("1", "challenger")
    await serve(calm, calm.create())
    ref, writes = bench.create(), 0

    def kill(verb: str, _: Ref) -> None:
        nonlocal writes
        writes += verb in {"patch_status", "apply", "delete"}
        if writes == fatal:
            raise Killed

    setattr(bench.kube, "aftermath" if arrived else "fault", kill)
    with pytest.raises(Killed):
        await serve(bench, ref)
    bench.kube.fault = bench.kube.aftermath = lambda verb, ref: None
    await serve(bench, ref)
    assert shape(bench) == shape(calm)
    assert bench.conditions(ref)["Ready"][0] == "True"


async def test_two_operators_at_once_write_nothing_twice(bench: Bench) -> None:
    ref = bench.create()
    first, second = bench.operator(), bench.operator()
    for _ in range(20):
        body = await bench.kube.get(ref)
        assert body is not None
        for operator in (first, second):  # both decide on the same version of the object
            try:
                await operator.reconcile(body)
            except Conflict:
                continue
        bench.make_ready()
        bench.clock.forward(60)
    applied = [ref for verb, ref in bench.kube.writes if verb == "apply"]
    assert len(applied) == len(set(applied))
    assert bench.conditions(ref)["Ready"][0] == "True"


async def test_a_refusal_is_told_in_a_condition_and_tried_again(bench: Bench) -> None:
    ref = bench.create()

    def refuse(verb: str, target: Ref) -> None:
        if verb == "apply" and target.kind == "Deployment":
            raise Invalid("exceeded quota: count/deployments.apps=0")

    bench.kube.fault = refuse
    operator = bench.operator()
    result = await bench.settle(operator, ref)
    assert result.requeue_after is not None
    assert result.requeue_after <= REFUSED_RETRY_SECONDS
    messages = [condition["message"] for condition in bench.status(ref)["conditions"]]
    assert any("exceeded quota" in message for message in messages)
    bench.kube.fault = lambda verb, ref: None
    await serve(bench, ref)
    assert bench.conditions(ref)["Ready"][0] == "True"


async def test_what_is_refused_is_tried_again_soon_and_then_ever_more_rarely(bench: Bench) -> None:
    ref, operator = bench.create(), bench.operator()
    await serve(bench, ref)

    def refuse(verb: str, target: Ref) -> None:
        if verb == "apply" and target.kind == "Service":
            raise Forbidden('services is forbidden: User "operator" cannot create resource "services"')

    async def waits() -> list[float]:
        bench.kube.remove(Ref.of(bench.kube.of_kind("Service")[0]))
        bench.kube.fault = refuse
        return [(await bench.a_pass(operator, ref)).requeue_after or 0.0 for _ in range(8)]

    found = await waits()
    assert found[0] <= 7
    assert found[-1] >= 0.7 * REFUSED_RETRY_SECONDS
    assert 'cannot create resource "services"' in stalled(bench, ref)
    bench.kube.fault = lambda verb, ref: None
    await bench.settle(operator, ref)
    assert bench.conditions(ref)["Stalled"][0] == "False"
    assert (await waits())[0] <= 7  # it begins anew


async def test_a_right_to_read_that_is_missing_is_told_and_asked_for_again(bench: Bench) -> None:
    """Before, such a pass failed, and only the log said so."""
    ref = bench.create()
    says = 'pods is forbidden: User "operator" cannot list resource "pods" in API group "" in the namespace "team"'

    def refuse(verb: str, target: Ref) -> None:
        if target.kind == "Pod":
            raise Forbidden(says)

    operator = bench.operator()
    await bench.settle(operator, ref)
    bench.kube.fault = refuse
    [deployment] = bench.kube.of_kind("Deployment")
    bench.kube.edit(Ref.of(deployment), lambda obj: obj.setdefault("status", {}).update(replicas=1))
    bench.clock.forward(60)  # its pods are late, so they are asked why
    before, waits = shape(bench), []
    for _ in range(8):
        result = await bench.a_pass(operator, ref)
        waits.append(result.requeue_after or 0.0)
    assert not result.wrote
    assert bench.conditions(ref)["Stalled"] == ("True", "Refused")
    assert stalled(bench, ref) == says
    assert 0 < waits[0] <= 7
    assert 0.7 * REFUSED_RETRY_SECONDS <= waits[-1] <= REFUSED_RETRY_SECONDS
    assert shape(bench) == before
    bench.kube.fault = lambda verb, ref: None
    await bench.settle(operator, ref)
    assert bench.conditions(ref)["Stalled"][0] == "False"


def stalled(bench: Bench, ref: Ref) -> str:
    """The message of the condition."""
    [found] = [one for one in bench.status(ref)["conditions"] if one["type"] == "Stalled"]
    message: str = found["message"]
    return message


async def test_an_outage_of_the_api_server_is_not_hidden(bench: Bench) -> None:
    ref = bench.create()

    def fail(verb: str, _: Ref) -> None:
        if verb == "patch_status":
            raise Unavailable("etcd is electing a leader", retry_after=1.0)

    bench.kube.fault = fail
    with pytest.raises(Unavailable):
        await bench.a_pass(bench.operator(), ref)
    assert len(bench.kube.objects) == 1


async def test_a_spec_that_is_not_understood_stops_everything_else(bench: Bench) -> None:
    ref = bench.create()
    await serve(bench, ref)
    before = shape(bench)
    bench.kube.edit(ref, lambda obj: obj["spec"].update(rollout={"strategy": "Teleport"}))
    operator = bench.operator()
    result = await bench.settle(operator, ref)
    assert result.requeue_after is None
    assert bench.conditions(ref)["Stalled"] == ("True", "InvalidSpec")
    assert bench.conditions(ref)["Reconciling"][0] == "False"
    assert "spec.rollout.strategy" in next(
        condition["message"] for condition in bench.status(ref)["conditions"] if condition["type"] == "Stalled"
    )
    assert bench.status(ref)["observedGeneration"] == 2
    assert bench.status(ref)["stable"]["modelVersion"] == "1"
    after = shape(bench)
    del before["ModelDeployment/churn"], after["ModelDeployment/churn"]
    assert after == before


async def test_it_recovers_when_the_spec_is_mended(bench: Bench) -> None:
    ref = bench.create(rollout={"strategy": "Teleport"})
    await bench.settle(bench.operator(), ref)
    bench.kube.edit(ref, lambda obj: obj["spec"].update(rollout={}))
    await serve(bench, ref)
    assert bench.conditions(ref)["Stalled"][0] == "False"
    assert bench.conditions(ref)["Ready"][0] == "True"


async def test_a_field_that_this_release_does_not_know_is_ignored(bench: Bench) -> None:
    ref = bench.create(telepathy={"enabled": True})
    await serve(bench, ref)
    assert bench.conditions(ref)["Ready"][0] == "True"


async def test_with_the_registry_gone_the_model_goes_on_being_served(bench: Bench) -> None:
    ref = bench.create()
    await serve(bench, ref)
    before = shape(bench)
    bench.registry.down = Unavailable("MLflow did not answer")
    await bench.settle(bench.operator(), ref)
    assert shape(bench) == before
    assert bench.conditions(ref)["Ready"][0] == "True"
    assert bench.conditions(ref)["ModelResolved"][0] != "True"


async def test_crds_of_the_release_before_bring_no_end_of_writes(bench: Bench) -> None:
    bench.kube.unknown_status = {"records"}
    operator, ref = bench.operator(), bench.create()
    await bench.settle(operator, ref)
    bench.make_ready()
    await bench.settle(operator, ref)
    assert "records" not in bench.status(ref)


def test_a_secret_that_changes_or_goes_is_told_and_pods_serve_on(bench: Bench) -> None:
    async def story() -> None:
        bench.kube.secrets["team", "theirs"] = {"url": "http://theirs", "password": "old"}
        model = {"registry": {"name": "churn", "alias": "challenger"}, "connectionRef": {"name": "theirs"}}
        ref, operator = bench.create(model=model), bench.operator()
        for _ in range(3):
            await bench.settle(operator, ref)
            bench.make_ready()
            bench.clock.forward(60)
        served = bench.kube.of_kind("Deployment")
        bench.kube.events.clear()
        for change in ({"password": "new"}, {"url": "none"}):
            bench.kube.secrets["team", "theirs"].update(change)
            bench.woken.clear()
            await asyncio.sleep(15.0)
            assert len(bench.woken) == 1
            await bench.settle(operator, ref)
        assert [(event.type, event.reason) for event in bench.kube.events] == [
            ("Normal", "ConnectionChanged"),
            ("Warning", "ConnectionInvalid"),
            ("Warning", "ConnectionInvalid"),
        ]
        assert (bench.kube.of_kind("Deployment"), bench.conditions(ref)["Available"][0]) == (served, "True")

    virtual_time.run(story())
