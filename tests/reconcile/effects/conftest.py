"""Neighbours in memory, and an executor between them."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.plan.decision import Decision, WriteRegistry
from rollmodel.ports.registry import Connection
from rollmodel.reconcile.effects.notify import NotifyHandlers
from rollmodel.reconcile.execute import Execution, Executor

from tests.support.contracts.kube import model_deployment
from tests.support.inmemory.kube import InMemoryKube
from tests.support.inmemory.neighbours import InMemoryRegistry
from tests.support.inmemory.receiver import Receiver
from tests.support.inmemory.tracking import InMemoryTracking

CONNECTION = Connection("http://mlflow")
STATUS = {"observedGeneration": 1}
TAG = WriteRegistry("tags/churn/1", "churn", "1", tags={"verdict": "Promoted"})
ALIAS = WriteRegistry("alias/churn/champion", "churn", "1", alias="champion")


@pytest.fixture
def kube() -> InMemoryKube:
    return InMemoryKube()


@pytest.fixture
def registry() -> InMemoryRegistry:
    registry = InMemoryRegistry()
    registry.publish("1")
    return registry


@pytest.fixture
def tracking() -> InMemoryTracking:
    return InMemoryTracking()


@pytest.fixture
def body(kube: InMemoryKube) -> dict[str, Any]:
    return kube.create(model_deployment("default"))


@pytest.fixture
def executor(kube: InMemoryKube, registry: InMemoryRegistry, tracking: InMemoryTracking) -> Executor:
    return Executor(kube, registry, tracking, news=NotifyHandlers(kube, Receiver(), lambda _: None))


@pytest.fixture
def execute(executor: Executor) -> Any:

    async def connect() -> Connection:
        return CONNECTION

    async def run(body: dict[str, Any], decision: Decision) -> Execution:
        return await executor.execute(body, decision, connect)

    return run


def verbs(kube: InMemoryKube) -> list[tuple[str, str]]:
    return [(verb, ref.kind) for verb, ref in kube.writes]
