"""What is settled before an object with our finalizer goes, and that nothing holds it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from rollmodel.errors import Forbidden, Unavailable
from rollmodel.plan.decision import Ref
from rollmodel.plan.manifest import Manifest
from rollmodel.reconcile.result import Reconciler, Result
from rollmodel.runtime.tasks import finalizers
from rollmodel.runtime.tasks.finalizers import FINALIZER, let_go

from tests.support.contracts.kube import model_deployment
from tests.support.inmemory.kube import InMemoryKube


@dataclass
class Plain:
    """Nothing to settle."""

    async def reconcile(self, body: Manifest) -> Result:
        return Result(body)

    def forget(self, uid: str) -> None: ...


@dataclass
class LastWish(Plain):
    """A reconciler with something to settle; ``trouble`` happens when it tries."""

    trouble: Callable[[], Awaitable[None]]
    settled: list[Manifest] = field(default_factory=list)

    def owes(self, body: Manifest) -> bool:
        return True

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


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollmodel.backoff.Backoff.next", lambda self: 0.0)


@pytest.fixture
def kube() -> InMemoryKube:
    return InMemoryKube()


def deleted(kube: InMemoryKube, *names: str) -> Any:
    """An object that somebody has deleted, and that these finalizers hold."""
    manifest = {**model_deployment("team"), "kind": "TrainingJob"}
    manifest["metadata"]["finalizers"] = [FINALIZER, *names]
    ref = Ref.of(kube.create(manifest))
    kube.remove(ref)
    return kube.objects[ref]


async def test_it_is_settled_and_then_let_go(kube: InMemoryKube) -> None:
    wish, body = LastWish(nothing), deleted(kube)
    await let_go(kube, wish, body)
    assert wish.settled == [body]
    assert not kube.objects


@pytest.mark.parametrize("reconciler", [Plain(), LastWish(nothing)])
async def test_finalizers_of_others_stay(kube: InMemoryKube, reconciler: Reconciler) -> None:
    body = deleted(kube, "example.com/theirs")
    await let_go(kube, reconciler, body)
    [left] = kube.objects.values()
    assert left["metadata"]["finalizers"] == ["example.com/theirs"]


async def test_what_is_held_by_others_only_was_settled_before(kube: InMemoryKube) -> None:
    wish, body = LastWish(nothing), deleted(kube, "example.com/theirs")
    await let_go(kube, wish, body)
    await let_go(kube, wish, *kube.objects.values())
    assert wish.settled == [body]


async def test_what_an_earlier_release_holds_is_let_go_though_its_kind_leaves_nothing(kube: InMemoryKube) -> None:
    await let_go(kube, Plain(), deleted(kube))
    assert not kube.objects


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (outage, "TrainingJob team/churn: deleted with loose ends: MLflow did not answer"),
        (bug, "TrainingJob team/churn: deleted with loose ends: unexpected error"),
        (silence, "TrainingJob team/churn: deleted with loose ends: no answer in time"),
    ],
)
async def test_no_trouble_holds_it(
    kube: InMemoryKube,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    trouble: Callable[[], Awaitable[None]],
    said: str,
) -> None:
    monkeypatch.setattr(finalizers, "FINALIZE_SECONDS", 0.05)
    await let_go(kube, LastWish(trouble), deleted(kube))
    assert said in caplog.text
    assert not kube.objects


async def test_an_outage_of_the_api_server_is_waited_for_and_told(
    kube: InMemoryKube, caplog: pytest.LogCaptureFixture
) -> None:
    body, faults = deleted(kube), [Unavailable("down"), Forbidden("may not"), Unavailable("down again")]

    def fault(verb: str, ref: Ref) -> None:
        if faults:
            raise faults.pop(0)

    kube.fault = fault
    await let_go(kube, Plain(), body)
    assert not kube.objects
    assert "TrainingJob team/churn: cannot be let go yet: may not" in caplog.text


async def test_somebody_who_was_faster_is_respected(kube: InMemoryKube, caplog: pytest.LogCaptureFixture) -> None:
    body = deleted(kube)
    kube.edit(Ref.of(body), lambda obj: obj["metadata"]["finalizers"].append("example.com/late"))
    await let_go(kube, Plain(), body)
    [left] = kube.objects.values()
    assert left["metadata"]["finalizers"] == ["example.com/late"]
    assert caplog.text == ""


async def test_one_that_went_meanwhile_is_gone(kube: InMemoryKube) -> None:
    body = deleted(kube)
    kube.edit(Ref.of(body), lambda obj: obj["metadata"].update(finalizers=[]))
    await let_go(kube, Plain(), body)
    assert kube.writes == [("patch_finalizers", Ref.of(body))]


async def test_another_object_of_the_same_name_is_left_alone(kube: InMemoryKube) -> None:
    body = deleted(kube)
    kube.edit(Ref.of(body), lambda obj: obj["metadata"].update(finalizers=[]))
    manifest = {**model_deployment("team"), "kind": "TrainingJob"}
    manifest["metadata"]["finalizers"] = [FINALIZER]
    other = kube.create(manifest)
    await let_go(kube, Plain(), body)
    assert list(kube.objects.values()) == [other]
