"""The registry is told beside the pass: one that hangs delays nobody, and nothing is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from rollmodel.errors import Unavailable
from rollmodel.plan.decision import Decision, Ref, WriteRegistry
from rollmodel.plan.timing import Timing
from rollmodel.ports.registry import Connection
from rollmodel.reconcile.effects import deliveries as module
from rollmodel.reconcile.execute import Execution, Executor
from rollmodel.slots import Slots

from tests.support.contracts.kube import model_deployment
from tests.support.eventually import turns
from tests.support.inmemory.kube import InMemoryKube
from tests.support.inmemory.neighbours import InMemoryRegistry

TAG = WriteRegistry("tags/churn/1", "churn", "1", tags={"verdict": "Promoted"})
ALIAS = WriteRegistry("alias/churn/champion", "churn", "1", alias="champion")
OTHER_TAG = WriteRegistry("tags/churn/1", "churn", "1", tags={"verdict": "Replaced"})


@dataclass
class Slow(InMemoryRegistry):
    """Takes tags only when the test lets it; ``told`` says what arrived, ``most`` how much was under way at once."""

    leave: asyncio.Event = field(default_factory=asyncio.Event)
    begun: int = 0
    now: int = 0
    most: int = 0
    told: list[str] = field(default_factory=list)

    async def set_tags(self, connection: Connection, name: str, version: str, tags: Mapping[str, str]) -> None:
        self.begun += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self.leave.wait()
            await super().set_tags(connection, name, version, tags)
            self.told.append(tags["verdict"])
        finally:
            self.now -= 1

    async def set_alias(
        self, connection: Connection, name: str, alias: str, version: str, *, owner: str | None = None
    ) -> None:
        await super().set_alias(connection, name, alias, version)
        self.told.append(alias)


@dataclass
class Stage:
    """One object, and the operators that pass over it."""

    kube: InMemoryKube = field(default_factory=InMemoryKube)
    registry: Slow = field(default_factory=Slow)
    woken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.registry.publish("1")
        self.ref = Ref.of(self.kube.create(model_deployment("team")))
        self.executor = self.operator()

    def operator(self) -> Executor:
        return Executor(self.kube, self.registry, wake=self.woken.append)

    async def post(self, *writes: WriteRegistry) -> Execution:
        """A verdict falls: its writes are put into the outbox, and carried out."""
        return await self.a_pass(*writes, outbox=[_entry(write) for write in writes])

    async def a_pass(
        self, *writes: WriteRegistry, outbox: list[dict[str, Any]] | None = None, by: Executor | None = None
    ) -> Execution:
        body = self.kube.objects[self.ref]
        status = body.get("status", {}) if outbox is None else {"outbox": outbox}

        async def connect() -> Connection:
            return Connection("http://mlflow")

        async with asyncio.timeout(10):
            return await (by or self.executor).execute(body, Decision(status, writes), connect)

    @property
    def outbox(self) -> list[str]:
        return [entry["key"] for entry in self.kube.objects[self.ref]["status"]["outbox"]]


def _entry(write: WriteRegistry) -> dict[str, Any]:
    return {"key": write.key, "model": write.model, "version": write.version, "tags": dict(write.tags)}


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("rollmodel.reconcile.effects.registry.PATIENCE_SECONDS", 0.0)
    stage = Stage()
    yield stage
    stage.registry.leave.set()
    await turns()


async def test_a_registry_that_answers_is_told_within_the_pass(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollmodel.reconcile.effects.registry.PATIENCE_SECONDS", module.PATIENCE_SECONDS)
    stage.registry.leave.set()
    execution = await stage.post(TAG, ALIAS)
    assert (stage.outbox, execution.retry_after, stage.woken) == ([], None, [])
    assert stage.registry.told == ["Promoted", "champion"]


async def test_one_that_hangs_is_told_beside_it_and_the_next_pass_forgets(stage: Stage) -> None:
    execution = await stage.post(TAG, ALIAS)
    assert execution.retry_after == Timing().person
    assert stage.outbox == [TAG.key, ALIAS.key]
    for _ in range(3):
        await stage.a_pass(TAG, ALIAS)
    assert stage.registry.begun == 1
    assert stage.woken == []
    stage.registry.leave.set()
    await turns()
    uid = stage.kube.objects[stage.ref]["metadata"]["uid"]
    assert stage.woken == [uid] * 2
    assert stage.outbox == [TAG.key, ALIAS.key]
    execution = await stage.a_pass(TAG, ALIAS)
    assert (stage.outbox, execution.retry_after) == ([], None)
    assert stage.registry.told == ["Promoted", "champion"]
    assert stage.kube.events == []


async def test_a_pass_that_waits_for_it_holds_no_slot(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollmodel.reconcile.effects.registry.PATIENCE_SECONDS", 60.0)
    slots = Slots(1)

    async def a_pass() -> None:
        async with slots.slot():
            await stage.post(TAG)

    task = asyncio.create_task(a_pass())
    await turns()
    assert (slots.free, stage.registry.begun) == (1, 1)
    stage.registry.leave.set()
    await task
    assert stage.outbox == []


async def test_what_is_decided_anew_is_told_after_what_is_under_way(stage: Stage) -> None:
    """A later verdict about the same version: the earlier write must not arrive last, nor count for the later."""
    await stage.post(TAG)
    await stage.post(OTHER_TAG)
    stage.registry.leave.set()
    await turns()
    assert stage.registry.told == ["Promoted", "Replaced"]
    assert stage.registry.most == 1
    assert stage.outbox == [TAG.key]
    await stage.a_pass(OTHER_TAG)
    assert stage.outbox == []


async def test_an_outcome_that_nobody_asked_for_is_not_taken_for_a_later_one(stage: Stage) -> None:
    await stage.a_pass(TAG)
    stage.registry.leave.set()
    await turns()
    await stage.a_pass()
    await stage.a_pass(TAG)
    await turns()
    assert stage.registry.told == ["Promoted", "Promoted"]


async def test_what_fails_beside_the_pass_is_said_by_the_next(stage: Stage) -> None:
    await stage.post(TAG)
    stage.registry.down = Unavailable("MLflow did not answer")
    stage.registry.leave.set()
    await turns()
    execution = await stage.a_pass(TAG)
    assert execution.retry_after == Timing().person
    assert stage.outbox == [TAG.key]
    assert [(event.reason, event.message) for event in stage.kube.events] == [
        ("RegistryWriteFailed", "MLflow did not answer")
    ]


async def test_it_ends_with_the_object(stage: Stage) -> None:
    await stage.post(TAG)
    stage.executor.forget(stage.kube.objects[stage.ref]["metadata"]["uid"])
    await turns()
    assert (stage.registry.now, stage.registry.told, stage.woken) == (0, [], [])


async def test_the_next_process_tells_it_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first ended, or lost its lease, before it could write down what it had told: at least once."""
    await stage.post(TAG)
    stage.registry.leave.set()
    await turns()
    assert (stage.registry.told, stage.outbox) == (["Promoted"], [TAG.key])
    monkeypatch.setattr("rollmodel.reconcile.effects.registry.PATIENCE_SECONDS", module.PATIENCE_SECONDS)
    await stage.a_pass(TAG, by=stage.operator())
    assert (stage.registry.told, stage.outbox) == (["Promoted", "Promoted"], [])
