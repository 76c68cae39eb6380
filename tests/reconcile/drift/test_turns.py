"""Two policies on one model: one training at a time, wherever the operator ends, and with two operators."""

from __future__ import annotations

import asyncio
import contextlib
import random
from copy import deepcopy
from functools import partial
from typing import Any

import pytest
from rollmodel.errors import Conflict
from rollmodel.plan.decision import Ref
from rollmodel.reconcile.result import Reconciler

from tests.reconcile.drift.test_retrain import AUTO, DRIFT_FROM, Killed, older
from tests.support.simulation.drifting import HOUR, DriftWorld

FIRST, SECOND = "a-first", "b-second"


def two_policies(**retrain: Any) -> tuple[DriftWorld, list[Ref]]:
    world = DriftWorld(older)
    spec = {"retrain": {**AUTO, **retrain}, "windowSeconds": [HOUR]}
    return world, [world.policy(name, **spec) for name in (FIRST, SECOND)]


_PLAYED: list[tuple[DriftWorld, list[Ref]]] = []


async def before_the_alarm() -> tuple[DriftWorld, list[Ref]]:
    """Both see the change, and the next hour raises the alarm. Played once."""
    if not _PLAYED:
        world, refs = two_policies()
        await hours(world, world.operator(), refs, DRIFT_FROM + 2)
        _PLAYED.append((world, refs))
    return deepcopy(_PLAYED[0])


async def hours(world: DriftWorld, operator: Reconciler, refs: list[Ref], count: int) -> None:
    for _ in range(count):
        world.clock.forward(HOUR)
        for ref in refs:
            await world.settle(operator, ref)


def outcomes(world: DriftWorld, ref: Ref) -> list[str]:
    return [one["outcome"] for one in world.status(ref).get("retrains", [])]


async def test_the_second_says_who_has_the_turn_and_gets_it_afterwards() -> None:
    world, (first, second) = two_policies(cooldownSeconds=60)
    operator = world.operator()
    await hours(world, operator, [first, second], DRIFT_FROM + 4)
    [training] = world.trainings()
    assert (outcomes(world, first), outcomes(world, second)) == (["Running"], [])
    blocked = world.condition(second, "RetrainBlocked")
    assert (blocked["status"], blocked["reason"]) == ("True", "OtherPolicyTrains")
    assert blocked["message"] == (
        f"DriftPolicy 'a-first' trains the same model: TrainingJob {training['metadata']['name']}"
    )
    world.end_training(training["metadata"]["name"], "False")
    await hours(world, operator, [first, second], 1)
    assert outcomes(world, first)[-1] == "Failed"
    assert len(world.trainings()) == 2
    running = [ref.name for ref in (first, second) if "Running" in outcomes(world, ref)]
    assert len(running) == 1


async def test_nobody_is_asked_while_nothing_starts() -> None:
    world, refs = two_policies(mode="Approve")
    await hours(world, world.operator(), refs, DRIFT_FROM + 4)
    assert [outcomes(world, ref) for ref in refs] == [["AwaitingApproval"]] * 2
    assert [ref for verb, ref in world.kube.reads if verb == "list"] == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("write", range(6))
async def test_killed_at_any_write_one_of_them_trains(write: int, order: tuple[int, int]) -> None:
    world, refs = await before_the_alarm()
    refs = [refs[index] for index in order]
    operator = world.operator()
    left = [write]

    def fault(verb: str, _: Ref) -> None:
        if verb in {"apply", "patch_status"}:
            left[0] -= 1
            if left[0] == -1:
                raise Killed

    world.kube.aftermath = fault
    for _ in range(3):
        try:
            await hours(world, operator, refs, 1)
        except Killed:
            operator = world.operator()
            refs.reverse()  # the other one has its pass first
            for ref in refs:
                await world.settle(operator, ref)
        assert len(world.trainings()) <= 1
    assert left[0] < 0, "it was killed"
    assert sorted(outcomes(world, ref) for ref in refs) == [[], ["Running"]]


def with_delays(world: DriftWorld, luck: random.Random) -> None:
    """Each request takes a while, before and after the API server acts on it: passes overlap."""

    def delayed(call: Any) -> Any:
        async def wait() -> None:
            for _ in range(luck.randrange(12)):
                await asyncio.sleep(0)

        async def request(*args: Any, **options: Any) -> Any:
            await wait()
            answer = await call(*args, **options)
            await wait()
            return answer

        return request

    for verb in ("get", "list_drift_policies", "patch_status", "apply"):
        setattr(world.kube, verb, delayed(getattr(world.kube, verb)))


@pytest.mark.parametrize("seed", range(10))
async def test_however_passes_overlap_one_trains(seed: int) -> None:
    """Two operators, each with passes of both policies, in any order and at once."""
    luck = random.Random(seed)  # noqa: S311  only for tests
    world, refs = await before_the_alarm()
    operators = [world.operator(), world.operator()]
    world.clock.forward(HOUR)
    with_delays(world, luck)

    async def passes(operator: Reconciler, ref: Ref) -> None:
        for _ in range(12):
            with contextlib.suppress(Conflict):
                await operator.reconcile(world.kube.objects[ref])
            assert len(world.trainings()) <= 1

    await asyncio.gather(*(passes(operator, ref) for operator in operators for ref in refs))
    assert len(world.trainings()) == 1


async def test_of_two_claims_the_later_name_takes_its_own_back() -> None:
    world, refs = await before_the_alarm()
    operator = world.operator()
    world.clock.forward(HOUR)
    for ref in refs:
        while not outcomes(world, ref):
            lists = world.kube.list_drift_policies
            world.kube.list_drift_policies = _nobody  # type: ignore[method-assign]
            await operator.reconcile(world.kube.objects[ref])
            world.kube.list_drift_policies = lists  # type: ignore[method-assign]
    assert [outcomes(world, ref) for ref in refs] == [["Starting"], ["Starting"]]
    assert world.trainings() == []
    first, second = refs
    result = await operator.reconcile(world.kube.objects[first])
    assert (world.trainings(), result.requeue_after) == ([], 1.0)
    await world.settle(operator, second)
    assert outcomes(world, second) == []
    await world.settle(operator, first)
    assert outcomes(world, first) == ["Running"]


async def _nobody(namespace: str) -> list[dict[str, Any]]:
    """As if it was read before the other one wrote."""
    return []


@pytest.mark.parametrize(
    ("change", "trains"),
    [
        ({"modelDeploymentRef": {"name": "other"}}, 1),  # serves the same registered model
        ({"modelDeploymentRef": {"name": "stranger"}, "retrain": {**AUTO, "trainingJobRef": {"name": "own"}}}, 2),
        ({"modelDeploymentRef": {"name": "stranger"}}, 1),  # copies the same TrainingJob
    ],
)
async def test_what_is_the_same_model(change: dict[str, Any], trains: int) -> None:
    world = DriftWorld(older)
    for name, model in (("churn", "churn"), ("other", "churn"), ("stranger", "fraud")):
        ref = Ref("rollmodel.dev/v1alpha1", "ModelDeployment", "team", name)
        if name != "churn":
            world.kube.create({**world.kube.objects[next(iter(world.kube.objects))], "metadata": _meta(name)})
        spec = {"model": {"registry": {"name": model, "alias": "challenger"}}}
        world.kube.edit(ref, partial(_put_spec, spec))
    template = world.kube.objects[Ref("rollmodel.dev/v1alpha1", "TrainingJob", "team", "churn-train")]
    world.kube.create({**template, "metadata": _meta("own")})
    common = {"retrain": AUTO, "windowSeconds": [HOUR]}
    refs = [world.policy(FIRST, **common), world.policy(SECOND, **{**common, **change})]
    await hours(world, world.operator(), refs, DRIFT_FROM + 4)
    assert world.condition(refs[1], "Ready")["reason"] == "Drifted"
    assert len(world.trainings()) == trains


def _put_spec(spec: dict[str, Any], obj: dict[str, Any]) -> None:
    obj["spec"] = spec


def _meta(name: str) -> dict[str, Any]:
    return {"name": name, "namespace": "team"}


async def test_a_policy_that_is_suspended_holds_no_turn() -> None:
    """Its training goes on and ends as any other; one that is not there yet is not created."""
    world, (first, second) = two_policies(cooldownSeconds=60)
    operator = world.operator()
    await hours(world, operator, [first, second], DRIFT_FROM + 4)
    [training] = world.trainings()
    world.kube.edit(first, lambda obj: obj["spec"].update(suspend="Suspended"))
    await world.settle(operator, first)
    assert outcomes(world, first) == ["Running"]
    world.end_training(training["metadata"]["name"], "False")
    await hours(world, operator, [first, second], 1)
    assert (outcomes(world, first), outcomes(world, second)) == (["Failed"], ["Running"])

    world, (first, second) = await before_the_alarm()
    operator = world.operator()
    world.clock.forward(HOUR)
    while not outcomes(world, first):
        await operator.reconcile(world.kube.objects[first])
    assert outcomes(world, first) == ["Starting"]
    world.kube.edit(first, lambda obj: obj["spec"].update(suspend="Suspended"))
    await world.settle(operator, first)
    assert (outcomes(world, first), world.trainings()) == ([], [])


async def test_a_person_is_told_who_has_the_turn() -> None:
    world, (first, second) = two_policies()
    world.kube.edit(second, lambda obj: obj["spec"]["retrain"].update(mode="Approve"))
    operator = world.operator()
    await hours(world, operator, [first, second], DRIFT_FROM + 4)
    world.kube.edit(second, lambda obj: obj["metadata"].update(annotations={"rollmodel.dev/command": "retrain 1 a"}))
    await world.settle(operator, second)
    told = world.status(second)["lastCommand"]
    assert told["result"] == "Ignored"
    assert told["message"].startswith("OtherPolicyTrains: DriftPolicy 'a-first' trains the same model")
    assert len(world.trainings()) == 1
