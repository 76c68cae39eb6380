"""Which objects have a task, from events of a watch as Kopf hands them on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from rollmodel.plan.decision import Ref
from rollmodel.plan.manifest import Manifest
from rollmodel.reconcile.result import Result
from rollmodel.runtime.metrics.operator import Instruments
from rollmodel.runtime.tasks import runner as runner_module
from rollmodel.runtime.tasks.controller import Controller, Limits
from rollmodel.runtime.tasks.finalizers import FINALIZER
from rollmodel.runtime.tasks.runner import Runner
from rollmodel.runtime.tasks.trigger import Triggers
from rollmodel.runtime.watchdog import Watchdog

from tests.support.contracts.kube import model_deployment
from tests.support.inmemory.kube import InMemoryKube


@dataclass
class Recorder:
    """Has nothing to do; ``hold`` makes its passes wait."""

    passes: list[Manifest] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    hold: asyncio.Event | None = None

    async def reconcile(self, body: Manifest) -> Result:
        self.passes.append(body)
        if self.hold is not None:
            await self.hold.wait()
        return Result(body)

    def forget(self, uid: str) -> None:
        self.forgotten.append(uid)


@dataclass
class Tidy(Recorder):
    """Has something to settle; ``wait`` makes that take its time."""

    settled: list[Manifest] = field(default_factory=list)
    wait: asyncio.Event | None = None

    def owes(self, body: Manifest) -> bool:
        return True

    async def finalize(self, body: Manifest) -> None:
        if self.wait is not None:
            await self.wait.wait()
        self.settled.append(body)


class Stage:
    """A runner over a cluster in memory; the watch is what a test says."""

    def __init__(self) -> None:
        self.kube = InMemoryKube()
        limits = Limits(resync=3600.0, startup_spread=0.0, settle=0.0)
        self.controller = Controller(self.kube, Triggers(), limits, Instruments(), Watchdog())
        self.runner = Runner(self.controller, self.kube, started=datetime.now(UTC))

    def create(self, kind: str = "ModelDeployment", *finalizers: str) -> Ref:
        manifest = {**model_deployment("team"), "kind": kind}
        manifest["metadata"]["finalizers"] = list(finalizers)
        return Ref.of(self.kube.create(manifest))

    async def show(self, change: str | None, body: Any, reconciler: Recorder) -> None:
        """The watch brings this, and everything that can run does."""
        self.runner.on_event(change, body, reconciler)
        for _ in range(30):
            await asyncio.sleep(0)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    async with stage.runner.running():
        yield stage


async def test_each_object_is_driven_once(stage: Stage) -> None:
    recorder, ref = Recorder(), stage.create()
    for change in (None, "ADDED", "MODIFIED"):
        await stage.show(change, stage.kube.objects[ref], recorder)
    assert len(recorder.passes) == 1


async def test_a_change_of_the_spec_wakes_with_what_the_watch_brought(stage: Stage) -> None:
    recorder, ref = Recorder(), stage.create()
    await stage.show("ADDED", stage.kube.objects[ref], recorder)
    changed = stage.kube.edit(ref, lambda obj: obj["spec"].update(scale={"replicas": 2}))
    await stage.show("MODIFIED", changed, recorder)
    assert recorder.passes[1:] == [changed]


async def test_of_many_objects_each_pass_has_its_own_as_the_watch_brought_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "UNPACKED", 1)
    stage.runner = Runner(stage.controller, stage.kube, started=datetime.now(UTC))
    async with stage.runner.running():
        recorder, refs = Recorder(), [stage.create(), Ref.of(stage.kube.create(model_deployment("team", "other")))]
        for ref in refs:
            await stage.show("ADDED", stage.kube.objects[ref], recorder)
        changed = [stage.kube.edit(ref, lambda obj: obj["spec"].update(scale={"replicas": 2})) for ref in refs]
        for body in changed:
            await stage.show("MODIFIED", body, recorder)
        assert recorder.passes[2:] == changed


async def test_what_is_deleted_is_forgotten_at_once_also_in_the_middle_of_a_pass(stage: Stage) -> None:
    recorder, ref = Recorder(hold=asyncio.Event()), stage.create()
    body = stage.kube.objects[ref]
    await stage.show("ADDED", body, recorder)
    stage.kube.remove(ref)
    await stage.show("DELETED", body, recorder)
    assert recorder.forgotten == [body["metadata"]["uid"]]
    assert stage.kube.writes == []
    await stage.show("DELETED", body, recorder)  # and once more does nothing


async def test_the_next_object_of_that_name_is_driven_as_a_new_one(stage: Stage) -> None:
    recorder, ref = Recorder(), stage.create()
    first = stage.kube.objects[ref]
    await stage.show("ADDED", first, recorder)
    stage.kube.remove(ref)
    second = stage.kube.objects[stage.create()]
    await stage.show("ADDED", second, recorder)
    await stage.show("DELETED", first, recorder)
    await stage.show("MODIFIED", stage.kube.edit(ref, lambda obj: obj["spec"].update(scale={})), recorder)
    uids = [first["metadata"]["uid"], second["metadata"]["uid"]]
    assert [body["metadata"]["uid"] for body in recorder.passes] == [*uids, uids[1]]
    assert recorder.forgotten == uids[:1]


async def test_what_has_to_be_settled_is_settled_after_its_last_pass(stage: Stage) -> None:
    tidy, ref = Tidy(hold=asyncio.Event()), stage.create("TrainingJob")
    await stage.show("ADDED", stage.kube.objects[ref], tidy)
    stage.kube.remove(ref)
    deleted = stage.kube.objects[ref]
    await stage.show("MODIFIED", deleted, tidy)
    assert tidy.settled == [deleted]
    assert tidy.forgotten == [deleted["metadata"]["uid"]]
    assert not stage.kube.objects
    await stage.show("DELETED", deleted, tidy)
    assert len(tidy.settled) == len(tidy.passes) == 1


async def test_so_is_what_was_deleted_while_nobody_ran(stage: Stage) -> None:
    tidy, ref = Tidy(), stage.create("TrainingJob", FINALIZER)
    stage.kube.remove(ref)
    await stage.show(None, stage.kube.objects[ref], tidy)
    assert len(tidy.settled) == 1
    assert tidy.passes == []
    assert not stage.kube.objects


async def test_an_object_of_an_earlier_release_that_was_deleted_while_nobody_ran_goes(stage: Stage) -> None:
    recorder, ref = Recorder(), stage.create("ModelDeployment", FINALIZER)
    stage.kube.remove(ref)
    await stage.show(None, stage.kube.objects[ref], recorder)
    assert recorder.passes == []
    assert not stage.kube.objects


async def test_events_of_an_object_that_is_being_deleted_settle_it_once(stage: Stage) -> None:
    tidy, ref = Tidy(wait=asyncio.Event()), stage.create("TrainingJob", FINALIZER, "example.com/theirs")
    stage.kube.remove(ref)
    for change in (None, "MODIFIED", "MODIFIED"):
        await stage.show(change, stage.kube.objects[ref], tidy)
    assert tidy.wait is not None
    tidy.wait.set()
    await stage.show("MODIFIED", stage.kube.objects[ref], tidy)
    assert len(tidy.settled) == 1
    assert stage.kube.objects[ref]["metadata"]["finalizers"] == ["example.com/theirs"]


async def test_settling_goes_on_though_somebody_took_our_finalizer_off(stage: Stage) -> None:
    tidy, ref = Tidy(wait=asyncio.Event()), stage.create("TrainingJob", FINALIZER)
    stage.kube.remove(ref)
    body = stage.kube.objects[ref]
    await stage.show("MODIFIED", body, tidy)
    stage.kube.edit(ref, lambda obj: obj["metadata"].update(finalizers=[]))
    await stage.show("DELETED", body, tidy)
    assert tidy.wait is not None
    tidy.wait.set()
    await stage.show("DELETED", body, tidy)
    assert len(tidy.settled) == 1


async def test_deleted_in_the_foreground_it_is_driven_no_more(stage: Stage) -> None:
    recorder, ref = Recorder(), stage.create("ModelDeployment", "foregroundDeletion")
    await stage.show("ADDED", stage.kube.objects[ref], recorder)
    stage.kube.remove(ref)
    await stage.show("MODIFIED", stage.kube.objects[ref], recorder)
    assert recorder.forgotten == [stage.kube.objects[ref]["metadata"]["uid"]]
    assert stage.kube.writes == []


async def test_a_deletion_that_the_watch_missed_is_found_by_its_next_list(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "LIST_SECONDS", 0.01)
    recorder, missed = Recorder(), stage.create()
    there = Ref.of(stage.kube.create(model_deployment("team", "other")))
    for ref in (missed, there):
        await stage.show(None, stage.kube.objects[ref], recorder)
    gone = stage.kube.objects[missed]["metadata"]["uid"]
    stage.kube.remove(missed)
    await stage.show(None, stage.kube.objects[there], recorder)
    async with asyncio.timeout(10):
        while recorder.forgotten != [gone]:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert stage.kube.reads == [("get", missed)]
    assert len(recorder.passes) == 2


async def test_at_the_end_all_passes_are_cut_and_nothing_begins_any_more() -> None:
    stage, recorder, tidy = Stage(), Recorder(hold=asyncio.Event()), Tidy(wait=asyncio.Event())
    driven = stage.create()
    held = Ref.of(stage.kube.create({**model_deployment("team"), "kind": "TrainingJob"}))
    stage.kube.edit(held, lambda obj: obj["metadata"].update(finalizers=[FINALIZER]))
    stage.kube.remove(held)
    async with stage.runner.running():
        await stage.show("ADDED", stage.kube.objects[driven], recorder)
        await stage.show("ADDED", stage.kube.objects[held], tidy)
    assert recorder.forgotten == [stage.kube.objects[driven]["metadata"]["uid"]]
    assert tidy.settled == []
    await stage.show("MODIFIED", stage.kube.objects[driven], recorder)
    assert len(recorder.passes) == 1


async def test_a_task_that_fails_ends_the_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes back. An object that nobody drives any more would tell nobody."""
    stage = Stage()

    async def drive(*_: Any, **__: Any) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(stage.controller, "drive", drive)

    async def work() -> None:
        async with stage.runner.running():
            await stage.show("ADDED", stage.kube.objects[stage.create()], Recorder())
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup):
        await work()
