"""Others who change our children: a policy at admission is taken as it is, a controller that fights is told."""

from __future__ import annotations

from typing import Any

from rollmodel.plan.decision import Ref
from rollmodel.reconcile.effects.admitted import FREE_REPAIRS
from rollmodel.reconcile.result import Reconciler

from tests.reconcile.conftest import Bench


def foreign_limits(obj: dict[str, Any]) -> None:
    """As GKE Autopilot, or a policy, sets limits of init containers."""
    if obj["kind"] == "Deployment":
        pod = obj["spec"]["template"]["spec"]
        pod["initContainers"][0]["resources"] = {"limits": {"cpu": "100m", "memory": "256Mi"}}


def reasons(bench: Bench) -> list[str]:
    return [event.reason for event in bench.kube.events]


async def installed(bench: Bench, operator: Reconciler) -> Ref:
    ref = bench.create()
    await bench.settle(operator, ref)
    bench.make_ready()
    await bench.settle(operator, ref)
    return ref


async def rest(bench: Bench, operator: Reconciler, ref: Ref) -> None:
    """An hour in which nothing happens, and nothing is asked of the API server but the object itself."""
    for _ in range(60):
        bench.clock.forward(60)
        bench.kube.writes.clear()
        bench.kube.reads.clear()
        await bench.a_pass(operator, ref)
        assert (bench.kube.writes, len(bench.kube.reads)) == ([], 1)


async def test_what_a_policy_makes_of_a_child_is_kept_and_said_once(bench: Bench) -> None:
    bench.kube.policy = foreign_limits
    operator = bench.operator()
    ref = await installed(bench, operator)
    await rest(bench, operator, ref)
    assert reasons(bench).count("Adjusted") == 1
    assert "Restored" not in reasons(bench)
    said = next(event.message for event in bench.kube.events if event.reason == "Adjusted")
    assert "spec.template.spec.initContainers.fetch-model.resources" in said
    assert bench.conditions(ref)["Ready"][0] == "True"


async def test_another_operator_finds_it_out_without_a_change(bench: Bench) -> None:
    bench.kube.policy = foreign_limits
    ref = await installed(bench, bench.operator())
    versions = {obj["metadata"]["resourceVersion"] for obj in bench.kube.of_kind("Deployment")}
    bench.kube.events.clear()
    successor = bench.operator()
    await bench.settle(successor, ref)
    await rest(bench, successor, ref)
    assert {obj["metadata"]["resourceVersion"] for obj in bench.kube.of_kind("Deployment")} == versions
    assert reasons(bench) == []


async def test_an_edit_of_what_a_policy_changed_is_still_put_right(bench: Bench) -> None:
    bench.kube.policy = foreign_limits
    operator = bench.operator()
    ref = await installed(bench, operator)
    target = Ref.of(bench.kube.of_kind("Deployment")[0])
    bench.kube.edit(target, lambda obj: obj["spec"].update(replicas=7))
    await bench.settle(operator, ref)
    assert bench.kube.objects[target]["spec"]["replicas"] == 1
    assert reasons(bench).count("Restored") == 1


async def test_somebody_who_writes_it_back_each_time_is_told_and_met_ever_more_rarely(bench: Bench) -> None:
    operator = bench.operator()
    ref = await installed(bench, operator)
    target = Ref.of(bench.kube.of_kind("Deployment")[0])
    bench.kube.writes.clear()
    for _ in range(360):  # six hours of another controller that answers within ten seconds of ours
        bench.kube.edit(target, lambda obj: obj["spec"].update(replicas=7))
        bench.clock.forward(60)
        await bench.a_pass(operator, ref)
    repairs = [one for one in bench.kube.writes if one == ("apply", target)]
    assert FREE_REPAIRS < len(repairs) <= 6 * 4 + 8
    assert bench.conditions(ref)["Stalled"] == ("True", "Refused")
    stalled = next(one for one in bench.status(ref)["conditions"] if one["type"] == "Stalled")
    assert f"Deployment {target.name} is changed by somebody else each time" in stalled["message"]
    for _ in range(60):
        bench.clock.forward(60)
        await bench.a_pass(operator, ref)
        bench.make_ready()
    assert bench.kube.objects[target]["spec"]["replicas"] == 1
    assert bench.conditions(ref)["Stalled"][0] == "False"
    assert bench.conditions(ref)["Ready"][0] == "True"
