"""An object that is deleted: what is settled before it goes, and that nothing holds it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from rollmodel.errors import Unavailable
from rollmodel.plan.decision import Ref
from rollmodel.ports import Manifest
from rollmodel.runtime import controller as driver_module
from rollmodel.runtime.controller import FINALIZER

from tests.support.contracts.kube import model_deployment
from tests.unit.runtime.controller.conftest import Script, Stage, idle


async def test_nothing_is_done_before_the_finalizer_is_there(stage: Stage) -> None:
    """Its arrival would make the first write a conflict, and what was made would not be cleaned up in order."""
    script, ref = Script(), Ref.of(stage.kube.create(model_deployment("team")))
    stage.drive(script, ref)
    await idle()
    assert script.seen == []
    stage.controller.on_event(stage.kube.edit(ref, lambda obj: obj["metadata"].update(finalizers=[FINALIZER])))
    await script.passes(1)


async def test_an_object_that_is_being_deleted_is_let_go(stage: Stage) -> None:
    script, ref = Script(), stage.create()
    task = stage.drive(script, ref)
    await script.passes(1)
    await idle()
    uid = stage.uid(ref)
    stage.kube.remove(ref)
    stage.controller.on_event(stage.kube.objects[ref])
    await asyncio.wait_for(task, 10)
    assert len(script.seen) == 1
    assert script.forgotten == [uid]


async def test_one_that_is_cancelled_forgets_too(stage: Stage) -> None:
    script, ref = Script(), stage.create()
    task = stage.drive(script, ref)
    await script.passes(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert script.forgotten == [stage.uid(ref)]


@dataclass
class LastWish:
    """A reconciler with something to settle; ``trouble`` happens when it tries."""

    trouble: Callable[[], Awaitable[None]]
    settled: list[Manifest] = field(default_factory=list)

    async def finalize(self, body: Manifest) -> None:
        await self.trouble()
        self.settled.append(body)


async def nothing() -> None:
    """No trouble."""


async def outage() -> None:
    raise Unavailable("MLflow did not answer")


async def bug() -> None:
    raise KeyError("what")


async def silence() -> None:
    await asyncio.Event().wait()


async def test_what_is_deleted_is_settled(stage: Stage) -> None:
    wish, body = LastWish(nothing), stage.kube.objects[stage.create()]
    await stage.controller.finalize(wish, body)
    assert wish.settled == [body]


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (outage, "TrainingJob team/churn: deleted with loose ends: MLflow did not answer"),
        (bug, "TrainingJob team/churn: deleted with loose ends: unexpected error"),
        (silence, "TrainingJob team/churn: deleted with loose ends: no answer in time"),
    ],
)
async def test_no_trouble_holds_an_object_that_is_deleted(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    trouble: Callable[[], Awaitable[None]],
    said: str,
) -> None:
    monkeypatch.setattr(driver_module, "FINALIZE_SECONDS", 0.05)
    body = {**stage.kube.objects[stage.create()], "kind": "TrainingJob"}
    await stage.controller.finalize(LastWish(trouble), body)
    assert said in caplog.text
