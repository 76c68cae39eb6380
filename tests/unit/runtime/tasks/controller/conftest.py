"""A controller whose reconciler does what a test says, over objects in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from rollmodel.plan.decision import Ref
from rollmodel.plan.manifest import Manifest
from rollmodel.reconcile.result import Result
from rollmodel.runtime.metrics.operator import Instruments
from rollmodel.runtime.tasks.controller import Controller, Limits
from rollmodel.runtime.tasks.trigger import Triggers
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
        return Ref.of(self.kube.create(model_deployment("team", name)))

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


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


def counted(stage: Stage, result: str) -> float:
    labels = {"kind": "ModelDeployment", "result": result}
    return stage.instruments.registry.get_sample_value("rollmodel_reconcile_total", labels) or 0.0
