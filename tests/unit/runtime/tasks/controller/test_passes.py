"""The loop of one object: when it passes, when it sleeps, and what it looks at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from rollmodel.errors import Conflict, Invalid, Unavailable
from rollmodel.reconcile.result import Result
from rollmodel.runtime.tasks.controller import Limits

from tests.unit.runtime.tasks.controller.conftest import FOREVER, Script, Stage, counted, idle, until, wrote


async def test_it_sleeps_when_there_is_nothing_to_do(stage: Stage) -> None:
    script, ref = Script(), stage.create()
    stage.drive(script, ref)
    await script.passes(1)
    await idle()
    assert len(script.seen) == 1


async def test_waking_makes_one_pass_however_often_it_rings(stage: Stage) -> None:
    script, ref = Script(), stage.create()
    stage.drive(script, ref)
    await script.passes(1)
    await idle()
    for _ in range(5):
        stage.triggers.wake(stage.uid(ref))
    await script.passes(2)
    await idle()
    assert len(script.seen) == 2


async def test_what_happens_during_a_pass_makes_another(stage: Stage) -> None:
    script, ref = Script(hold=asyncio.Event()), stage.create()
    stage.drive(script, ref)
    await script.passes(1)
    stage.triggers.wake(stage.uid(ref))
    assert script.hold is not None
    script.hold.set()
    await script.passes(2)


async def test_a_pass_that_wrote_is_followed_until_one_did_not(stage: Stage) -> None:
    script, ref = Script([wrote, wrote]), stage.create()
    stage.drive(script, ref)
    await script.passes(3)
    await idle()
    assert len(script.seen) == 3


async def test_the_look_after_a_pass_that_wrote_may_wait_for_what_comes_of_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollmodel.backoff.Backoff.next", lambda self: 0.0)
    script, ref = Script([lambda body: Result(body, wrote=True, look_again=300.0)]), stage.create()
    stage.drive(script, ref)
    await script.passes(1)
    await idle()
    assert len(script.seen) == 1
    stage.triggers.wake(stage.uid(ref))
    await script.passes(2)


async def test_what_is_due_is_done_without_a_wake(stage: Stage) -> None:
    script, ref = Script([lambda body: Result(body, requeue_after=0.01)]), stage.create()
    stage.drive(script, ref)
    await script.passes(2)


async def test_a_resync_comes_by_itself() -> None:
    stage = Stage(limits=Limits(resync=0.01, startup_spread=0.0))
    script, ref = Script(), stage.create()
    task = stage.drive(script, ref)
    await script.passes(3)
    task.cancel()


@pytest.mark.parametrize("error", [Unavailable("down"), Invalid("refused"), TimeoutError(), ValueError("a bug")])
async def test_no_error_ends_the_loop(stage: Stage, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollmodel.backoff.Backoff.next", lambda self: 0.0)
    script, ref = Script([error, error]), stage.create()
    stage.drive(script, ref)
    await script.passes(3)


async def test_after_a_failure_the_object_is_read_anew(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollmodel.backoff.Backoff.next", lambda self: 0.0)
    script, ref = Script([Conflict("somebody was faster")]), stage.create()
    stale = dict(stage.kube.objects[ref])
    stage.kube.edit(ref, lambda obj: obj.update(status={"observedGeneration": 1}))
    task = asyncio.create_task(stage.controller.drive(script, lambda: stale))
    stage.tasks.append(task)
    await script.passes(2)
    assert "status" not in script.seen[0]
    assert script.seen[1]["status"] == {"observedGeneration": 1}


async def test_a_write_of_ours_is_newer_than_what_the_watch_shows(stage: Stage) -> None:
    script, ref = Script(), stage.create()
    stale = dict(stage.kube.objects[ref])
    written = stage.kube.edit(ref, lambda obj: obj.update(status={"observedGeneration": 1}))
    script.steps.append(lambda body: Result(written, wrote=True))
    stage.tasks.append(asyncio.create_task(stage.controller.drive(script, lambda: stale)))
    await script.passes(2)
    assert script.seen[1] == written


@pytest.mark.parametrize(
    ("change", "passes"),
    [
        (lambda obj: obj["spec"].update(scale={"replicas": 2}), 2),
        (lambda obj: obj["metadata"].update(annotations={"rollmodel.dev/command": "pause bbbbbbbb 1"}), 2),
        (lambda obj: obj["metadata"].update(annotations={"something": "else"}), 1),
        (lambda obj: obj["metadata"].update(labels={"something": "else"}), 1),
        (lambda obj: obj.update(status={"observedGeneration": 1}), 1),
    ],
    ids=["spec", "command", "annotation", "label", "status"],
)
async def test_only_what_people_say_wakes(stage: Stage, change: Callable[[dict[str, Any]], None], passes: int) -> None:
    script, ref = Script(), stage.create()
    stage.drive(script, ref)
    await script.passes(1)
    await idle()
    stage.controller.on_event(stage.kube.edit(ref, change))
    await idle()
    assert len(script.seen) == passes


async def test_one_pass_for_a_burst_of_changes() -> None:
    stage = Stage(limits=Limits(resync=FOREVER, startup_spread=0.0, settle=0.2))
    script, ref = Script(), stage.create()
    task = stage.drive(script, ref)
    await script.passes(1)
    for _ in range(5):
        stage.triggers.wake(stage.uid(ref))
        await idle()
    await script.passes(2)
    await idle()
    assert len(script.seen) == 2
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_an_object_that_nobody_drives_is_ignored(stage: Stage) -> None:
    ref = stage.create()
    stage.controller.on_event(stage.kube.objects[ref])
    stage.triggers.wake(stage.uid(ref))


async def test_passes_of_many_objects_are_bounded() -> None:
    stage = Stage(limits=Limits(concurrency=3, resync=FOREVER, startup_spread=0.0))
    script = Script(hold=asyncio.Event())
    tasks = [stage.drive(script, stage.create(f"churn-{number}")) for number in range(10)]
    await script.passes(3)
    await idle()
    assert len(script.seen) == 3
    assert script.hold is not None
    script.hold.set()
    await script.passes(10)
    assert script.most == 3
    for task in tasks:
        task.cancel()


async def test_a_pass_that_hangs_is_cut() -> None:
    stage = Stage(limits=Limits(pass_timeout=0.01, resync=FOREVER, startup_spread=0.0))
    script, ref = Script(hold=asyncio.Event()), stage.create()
    task = stage.drive(script, ref)
    await script.passes(1)
    await until(lambda: script.running == 0)
    assert counted(stage, "error") == 1
    task.cancel()
