"""The loop of one object: when it passes, when it sleeps, and what it looks at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from rollmodel.errors import Conflict, Invalid, Unavailable
from rollmodel.plan.decision import Ref
from rollmodel.ports import Manifest
from rollmodel.reconcile.result import Result
from rollmodel.runtime import controller as driver_module
from rollmodel.runtime.controller import FINALIZER, Controller, Limits
from rollmodel.runtime.metrics import Instruments
from rollmodel.runtime.trigger import Triggers
from rollmodel.runtime.watchdog import Watchdog

from tests.support.contracts.kube import model_deployment
from tests.support.inmemory.kube import InMemoryKube

FOREVER = 3600.0


@dataclass
class Script:
    """A reconciler that plays steps: an exception to raise, or what a pass results in; then it has nothing to do."""

    steps: list[Exception | Callable[[Manifest], Result]] = field(default_factory=list)
    seen: list[Manifest] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    running: int = 0
    most: int = 0
    passed: asyncio.Event = field(default_factory=asyncio.Event)
    hold: asyncio.Event | None = None

    async def reconcile(self, body: Manifest) -> Result:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            self.seen.append(body)
            self.passed.set()
            if self.hold is not None:
                await self.hold.wait()
            step = self.steps.pop(0) if self.steps else Result
            if isinstance(step, Exception):
                raise step
            return step(body)
        finally:
            self.running -= 1

    def forget(self, uid: str) -> None:
        self.forgotten.append(uid)

    async def passes(self, number: int) -> None:
        """Wait until so many passes have begun."""
        async with asyncio.timeout(10):
            while len(self.seen) < number:
                self.passed.clear()
                await self.passed.wait()


@dataclass
class Stage:
    """A driver over a cluster in memory, and the tasks that drive objects."""

    kube: InMemoryKube = field(default_factory=InMemoryKube)
    triggers: Triggers = field(default_factory=Triggers)
    instruments: Instruments = field(default_factory=Instruments)
    watchdog: Watchdog = field(default_factory=Watchdog)
    limits: Limits = field(default_factory=lambda: Limits(resync=FOREVER, startup_spread=0.0, settle=0.0))
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.controller = Controller(self.kube, self.triggers, self.limits, self.instruments, self.watchdog)

    def create(self, name: str = "churn") -> Ref:
        manifest = model_deployment("team", name)
        manifest["metadata"]["finalizers"] = [FINALIZER]
        return Ref.of(self.kube.create(manifest))

    def drive(self, script: Script, ref: Ref) -> asyncio.Task[None]:
        task = asyncio.create_task(self.controller.drive(script, lambda: self.kube.objects[ref]))
        self.tasks.append(task)
        return task

    def uid(self, ref: Ref) -> str:
        uid: str = self.kube.objects[ref]["metadata"]["uid"]
        return uid


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    yield stage
    for task in stage.tasks:
        task.cancel()
    await asyncio.gather(*stage.tasks, return_exceptions=True)


async def idle() -> None:
    """Let everything that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


def wrote(body: Manifest) -> Result:
    return Result(body, wrote=True)


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


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


def counted(stage: Stage, result: str) -> float:
    labels = {"kind": "ModelDeployment", "result": result}
    return stage.instruments.registry.get_sample_value("rollmodel_reconcile_total", labels) or 0.0


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
