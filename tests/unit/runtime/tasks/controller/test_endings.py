"""The loop of an object that is deleted, and the finalizer that some kinds need."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

import pytest
from rollmodel.errors import NotFound
from rollmodel.plan.decision import Ref
from rollmodel.plan.manifest import Manifest
from rollmodel.runtime.tasks.finalizers import FINALIZER

from tests.support.contracts.kube import model_deployment
from tests.unit.runtime.tasks.controller.conftest import Script, Stage, counted, idle, wrote


@dataclass
class Tidy(Script):
    """Of a kind that has something to settle."""

    def owes(self, body: Manifest) -> bool:
        return "scale" not in body["spec"]

    async def finalize(self, body: Manifest) -> None: ...


def held(stage: Stage, ref: Ref) -> bool:
    return FINALIZER in stage.kube.objects[ref]["metadata"].get("finalizers", ())


async def test_a_kind_that_leaves_nothing_behind_is_not_held(stage: Stage) -> None:
    script, ref = Script(), stage.create()
    stage.drive(script, ref)
    await script.passes(1)
    await idle()
    assert not held(stage, ref)
    assert stage.kube.writes == []


async def test_the_finalizer_of_an_earlier_release_is_taken_off_before_the_first_pass(stage: Stage) -> None:
    manifest = model_deployment("team")
    manifest["metadata"]["finalizers"] = ["example.com/theirs", FINALIZER]
    script, ref = Script(), Ref.of(stage.kube.create(manifest))
    stage.drive(script, ref)
    await script.passes(1)
    assert stage.kube.objects[ref]["metadata"]["finalizers"] == ["example.com/theirs"]
    assert script.seen == [stage.kube.objects[ref]]


async def test_a_kind_with_something_to_settle_is_held_before_its_first_pass(stage: Stage) -> None:
    """And by no further write: the passes after it know what was stored, though the watch does not show it yet."""
    script, ref = Tidy([wrote]), stage.create()
    before = stage.kube.objects[ref]
    stage.tasks.append(asyncio.create_task(stage.controller.drive(script, lambda: before)))
    await script.passes(2)
    assert held(stage, ref)
    assert script.seen == [stage.kube.objects[ref]] * 2
    assert stage.kube.writes == [("patch_finalizers", ref)]


async def test_it_is_held_no_longer_once_there_is_nothing_to_settle(stage: Stage) -> None:
    script, ref = Tidy(), stage.create()
    stage.drive(script, ref)
    await script.passes(1)
    await idle()
    stage.controller.on_event(stage.kube.edit(ref, lambda obj: obj["spec"].update(scale={"replicas": 0})))
    await script.passes(2)
    assert not held(stage, ref)


async def test_an_object_that_is_being_deleted_is_driven_no_more(stage: Stage) -> None:
    script, ref = Tidy(), stage.create()
    task = stage.drive(script, ref)
    await script.passes(1)
    await idle()
    stage.kube.remove(ref)
    stage.controller.on_event(stage.kube.objects[ref])
    await asyncio.wait_for(task, 10)
    assert len(script.seen) == 1
    assert script.forgotten == [stage.uid(ref)]


async def test_one_whose_deletion_nobody_saw_is_found_gone_by_the_first_write(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No error, and nothing to warn of: objects are deleted every day."""
    monkeypatch.setattr("rollmodel.backoff.Backoff.next", lambda self: 0.0)
    script, ref = Script([NotFound("the object is gone")]), stage.create()
    last = stage.kube.objects[ref]
    stage.kube.remove(ref)
    with caplog.at_level(logging.WARNING):
        task = asyncio.create_task(stage.controller.drive(script, lambda: last))
        await asyncio.wait_for(task, 10)
    assert len(script.seen) == 1
    assert caplog.text == ""
    assert counted(stage, "conflict") == 1


async def test_another_object_of_the_same_name_is_another_object(stage: Stage) -> None:
    script, ref = Script(), stage.create()
    last = stage.kube.objects[ref]
    task = asyncio.create_task(stage.controller.drive(script, lambda: last))
    await script.passes(1)
    await idle()
    stage.kube.remove(ref)
    stage.create()
    stage.controller.doubt(last["metadata"]["uid"])
    await asyncio.wait_for(task, 10)
    assert len(script.seen) == 1


async def test_doubt_during_a_pass_is_not_forgotten(stage: Stage) -> None:
    script, ref = Script(hold=asyncio.Event()), stage.create()
    last = stage.kube.objects[ref]
    task = asyncio.create_task(stage.controller.drive(script, lambda: last))
    await script.passes(1)
    stage.kube.remove(ref)
    stage.controller.doubt(last["metadata"]["uid"])
    assert script.hold is not None
    script.hold.set()
    await asyncio.wait_for(task, 10)
    assert len(script.seen) == 1


async def test_doubt_about_what_is_there_costs_one_read(stage: Stage) -> None:
    script, ref = Script(), stage.create()
    stage.drive(script, ref)
    await script.passes(1)
    await idle()
    stage.controller.doubt(stage.uid(ref))
    await script.passes(2)
    stage.triggers.wake(stage.uid(ref))
    await script.passes(3)
    assert stage.kube.reads == [("get", ref)]


async def test_one_that_is_cancelled_forgets_too(stage: Stage) -> None:
    script, ref = Script(), stage.create()
    task = stage.drive(script, ref)
    await script.passes(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert script.forgotten == [stage.uid(ref)]
