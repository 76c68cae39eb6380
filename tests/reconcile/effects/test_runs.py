"""Runs and versions of trainings: created once, and tracked whatever MLflow does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from rollmodel.errors import Conflict, Forbidden, Unavailable
from rollmodel.plan.decision import (
    ApplyObject,
    CreateRun,
    CreateVersion,
    Decision,
    LogRun,
    SetRunStatus,
)
from rollmodel.plan.problem import Problem
from rollmodel.plan.timing import Timing
from rollmodel.ports.registry import Connection
from rollmodel.reconcile import execute as execute_module
from rollmodel.reconcile.effects import runs as track_module
from rollmodel.reconcile.effects.runs import CREATE_WITHIN_SECONDS
from rollmodel.reconcile.execute import Executor

from tests.reconcile.effects.conftest import CONNECTION, STATUS
from tests.support.contracts.kube import service
from tests.support.inmemory.kube import InMemoryKube
from tests.support.inmemory.tracking import InMemoryTracking

RUN = CreateRun("team/churn", "churn", {"rollmodel.dev/owner": "uid"})
CLOSE = SetRunStatus("run-1", "FINISHED")
VERSION = CreateVersion("churn", "run-1", "model", {})


async def test_tracking_comes_after_the_fence_and_asks_for_another_look(
    kube: InMemoryKube, tracking: InMemoryTracking, body: dict[str, Any], execute: Any
) -> None:
    execution = await execute(body, Decision(STATUS, (RUN, LogRun("run-1", {"a": "1"}), CLOSE)))
    assert (execution.wrote, execution.untracked, execution.retry_after) == (True, None, None)
    assert tracking.calls == ["create_run", "log_run", "set_run_status"]
    assert tracking.asked_by == [CONNECTION] * 3
    assert (tracking.runs["run-1"].status, tracking.runs["run-1"].params) == ("FINISHED", {"a": "1"})
    assert kube.events == []


async def test_of_two_operators_only_one_creates(
    tracking: InMemoryTracking, body: dict[str, Any], execute: Any
) -> None:
    claim = Decision({**STATUS, "claim": {"what": "Run", "since": "2026-01-01T00:00:00Z"}}, (RUN,))
    await execute(body, claim)
    with pytest.raises(Conflict):
        await execute(body, claim)
    assert len(tracking.runs) == 1


async def test_a_tracking_server_that_is_down_blocks_nothing_else(
    kube: InMemoryKube, tracking: InMemoryTracking, body: dict[str, Any], execute: Any
) -> None:
    tracking.down = Unavailable("MLflow did not answer")
    execution = await execute(body, Decision(STATUS, (RUN, CLOSE, ApplyObject(service(body)))))
    assert execution.untracked == Problem("Unavailable", "MLflow did not answer", transient=True)
    assert execution.retry_after == Timing().write_retry == 30
    assert execution.body["status"] == STATUS
    assert tracking.calls == ["create_run"]
    assert len(kube.of_kind("Service")) == 1


async def test_each_kind_of_failure_is_said_once(
    kube: InMemoryKube, tracking: InMemoryTracking, body: dict[str, Any], execute: Any
) -> None:
    for down in (Unavailable("try 1"), Unavailable("try 2"), Forbidden("not you"), Forbidden("not you"), None):
        tracking.down = down
        body = (await execute(body, Decision({**STATUS, "paused": str(down)}, (RUN,)))).body
    tracking.down = Unavailable("again")
    await execute(body, Decision(STATUS, (CLOSE,)))
    said = [(event.type, event.reason, event.message) for event in kube.events]
    assert said == [("Warning", "TrackingWriteFailed", text) for text in ("try 1", "not you", "again")]


async def test_a_run_without_a_model_comes_back_as_a_problem(
    tracking: InMemoryTracking, body: dict[str, Any], execute: Any
) -> None:
    await tracking.create_run(CONNECTION, RUN)
    execution = await execute(body, Decision(STATUS, (VERSION,)))
    assert execution.untracked is not None
    assert (execution.untracked.reason, execution.untracked.transient) == ("ModelNotLogged", False)


async def test_a_connection_that_cannot_be_read_is_a_problem_of_tracking(
    kube: InMemoryKube, body: dict[str, Any], executor: Executor
) -> None:
    async def connect() -> Connection:
        raise Forbidden("Secret mlflow must not be read")

    execution = await executor.execute(body, Decision(STATUS, (RUN,)), connect)
    assert execution.untracked == Problem("Forbidden", "Secret mlflow must not be read", transient=False)
    assert [event.reason for event in kube.events] == ["TrackingWriteFailed"]


@pytest.mark.parametrize(("write", "late"), [(RUN, True), (VERSION, True), (CLOSE, False)])
async def test_nothing_is_created_when_the_claim_may_be_old(  # noqa: PLR0917
    tracking: InMemoryTracking,
    body: dict[str, Any],
    execute: Any,
    monkeypatch: pytest.MonkeyPatch,
    write: Any,
    late: bool,
) -> None:
    """Writing the status took long: another operator may have seen the claim and waited it out."""
    await tracking.create_run(CONNECTION, RUN)
    tracking.log_model("run-1")
    tracking.calls.clear()
    clock = iter([0.0, CREATE_WITHIN_SECONDS + 0.1])
    monkeypatch.setattr(execute_module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(track_module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    execution = await execute(body, Decision(STATUS, (write,)))
    assert (execution.untracked is not None) == late
    assert (tracking.calls == []) == late
