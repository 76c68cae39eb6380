"""Argo CD's view of a DriftPolicy, over what the operator writes in a simulated world."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rollmodel.errors import Unavailable
from rollmodel.plan.decision import Ref

from charts.__main__ import REPOSITORY
from tests.support.argo_lua import LuaError, run
from tests.support.simulation.drifting import DriftWorld, Rows, rows_of

LUA = REPOSITORY / "config" / "argocd" / "rollmodel.dev" / "DriftPolicy"
DRIFT_FROM = 11
RETRAIN = {"mode": "Approve", "trainingJobRef": {"name": "churn-train"}, "when": ["Feature"]}


def older(rng: np.random.Generator, hour: int) -> Rows:
    return rows_of(rng, 600, age=40.0 if hour < DRIFT_FROM else 46.0)


class Seen:
    """A policy as Argo CD finds it in the cluster."""

    def __init__(self) -> None:
        self.world = DriftWorld(older)
        self.ref: Ref = self.world.policy(retrain=RETRAIN, windowSeconds=[3600])
        self._operator = self.world.operator()

    async def hours(self, count: int) -> tuple[str, str]:
        await self.world.hours(self._operator, self.ref, count)
        return self.health()

    @property
    def obj(self) -> dict[str, Any]:
        return dict(self.world.kube.objects[self.ref])

    def health(self) -> tuple[str, str]:
        answer = run(LUA / "health.lua", self.obj)
        return answer["status"], answer["message"]

    def offered(self) -> bool:
        return not run(LUA / "actions" / "discovery.lua", self.obj)["retrain"]["disabled"]

    def press(self) -> None:
        note = run(LUA / "actions" / "retrain" / "action.lua", self.obj)["metadata"]["annotations"]
        self.world.kube.edit(self.ref, lambda obj: obj["metadata"].update(annotations=dict(note)))


async def test_it_learns_looks_drifts_and_is_healthy_with_a_message() -> None:
    seen = Seen()
    assert seen.health()[0] == "Progressing"
    status, message = await seen.hours(2)
    assert (status, "quiet windows" in message) == ("Healthy", True)
    status, message = await seen.hours(8)
    assert (status, "no drift in" in message) == ("Healthy", True)
    status, message = await seen.hours(5)
    assert status == "Healthy"
    assert message.startswith("drift: features/age")


async def test_blind_is_degraded_and_a_target_that_is_to_come_is_not() -> None:
    seen = Seen()
    await seen.hours(9)
    seen.world.broken = Unavailable("away")
    assert (await seen.hours(1))[0] == "Degraded"
    deployment = next(ref for ref in seen.world.kube.objects if ref.kind == "ModelDeployment")
    del seen.world.kube.objects[deployment]
    assert (await seen.hours(1))[0] == "Progressing"


async def test_suspended_is_suspended() -> None:
    seen = Seen()
    seen.world.kube.edit(seen.ref, lambda obj: obj["spec"].update(suspend="Suspended"))
    assert (await seen.hours(1))[0] == "Suspended"


async def test_a_training_is_offered_for_an_alarm_and_started_once() -> None:
    seen = Seen()
    await seen.hours(9)
    assert not seen.offered()
    with pytest.raises(LuaError, match="no alarm is on"):
        seen.press()
    await seen.hours(6)
    assert seen.offered()
    assert seen.world.trainings() == []
    seen.press()
    await seen.hours(1)
    assert len(seen.world.trainings()) == 1
    assert seen.world.status(seen.ref)["lastCommand"]["result"] == "Done"
    assert not seen.offered()
