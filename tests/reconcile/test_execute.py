"""Acting on a decision: the fence, the order, and what happens when something is refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from rollmodel.errors import Conflict, Forbidden, Invalid, Unavailable
from rollmodel.plan.decision import (
    CreateRun,
    CreateVersion,
    Decision,
    Delete,
    Event,
    LogRun,
    Ref,
    RegistryWrite,
    SetRunStatus,
)
from rollmodel.plan.problem import Problem
from rollmodel.ports import Connection
from rollmodel.reconcile import execute as execute_module
from rollmodel.reconcile import run_writes as track_module
from rollmodel.reconcile.execute import REGISTRY_RETRY_SECONDS, TRACKING_RETRY_SECONDS, Execution, Executor
from rollmodel.reconcile.run_writes import CREATE_WITHIN_SECONDS

from tests.support.contracts.kube import model_deployment, service
from tests.support.inmemory.kube import InMemoryKube
from tests.support.inmemory.neighbours import InMemoryRegistry
from tests.support.inmemory.tracking import InMemoryTracking

CONNECTION = Connection("http://mlflow")
STATUS = {"observedGeneration": 1}
TAG = RegistryWrite("tags/churn/1", "churn", "1", tags={"verdict": "Promoted"})
ALIAS = RegistryWrite("alias/churn/champion", "churn", "1", alias="champion")


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
    return Executor(kube, registry, tracking)


@pytest.fixture
def execute(executor: Executor) -> Any:

    async def connect() -> Connection:
        return CONNECTION

    async def run(body: dict[str, Any], decision: Decision) -> Execution:
        return await executor.execute(body, decision, connect)

    return run


def verbs(kube: InMemoryKube) -> list[tuple[str, str]]:
    return [(verb, ref.kind) for verb, ref in kube.writes]


async def test_a_decision_that_changes_nothing_asks_for_nothing(
    kube: InMemoryKube, body: dict[str, Any], execute: Any
) -> None:
    execution = await execute(body, Decision({}))
    assert (execution.wrote, kube.writes, kube.reads) == (False, [], [])


async def test_the_status_comes_first_then_applies_then_deletes(
    kube: InMemoryKube, body: dict[str, Any], execute: Any
) -> None:
    old = await kube.apply(service(body, "old"))
    kube.writes.clear()
    decision = Decision(
        STATUS,
        apply=(service(body, "new"),),
        delete=(Delete(Ref.of(old), old["metadata"]["uid"]),),
        events=(Event("Normal", "Moved", "from old to new"),),
    )
    execution = await execute(body, decision)
    assert verbs(kube) == [("patch_status", "ModelDeployment"), ("apply", "Service"), ("delete", "Service")]
    assert execution.wrote
    assert execution.body["status"] == STATUS
    assert [event.reason for event in kube.events] == ["Moved"]


async def test_of_two_operators_only_one_acts(kube: InMemoryKube, body: dict[str, Any], execute: Any) -> None:
    decision = Decision(STATUS, apply=(service(body),), events=(Event("Normal", "Made", "it"),))
    await execute(body, decision)
    with pytest.raises(Conflict):
        await execute(body, decision)
    assert len(kube.events) == 1


async def test_nobody_acts_on_old_news_even_where_the_status_stays(
    kube: InMemoryKube, body: dict[str, Any], execute: Any
) -> None:
    kube.edit(Ref.of(body), lambda obj: obj["spec"].update(scale={"replicas": 3}))
    with pytest.raises(Conflict):
        await execute(body, Decision({}, apply=(service(body),)))
    assert kube.of_kind("Service") == []


async def test_an_object_that_is_gone_is_not_acted_for(kube: InMemoryKube, body: dict[str, Any], execute: Any) -> None:
    kube.remove(Ref.of(body))
    with pytest.raises(Conflict):
        await execute(body, Decision({}, apply=(service(body),)))
    assert not kube.objects


async def test_a_refusal_ends_the_acting_and_is_reported(
    kube: InMemoryKube, body: dict[str, Any], execute: Any
) -> None:
    """Weight is taken away before pods are: if the first cannot be done, the second must not be."""
    old = await kube.apply(service(body, "old"))

    def refuse(verb: str, ref: Ref) -> None:
        if verb == "apply":
            raise Invalid("the quota is exhausted")

    kube.fault = refuse
    decision = Decision(
        STATUS, apply=(service(body),), delete=(Delete(Ref.of(old), old["metadata"]["uid"]),), events=()
    )
    execution = await execute(body, decision)
    assert execution.refused == ("the quota is exhausted",)
    assert Ref.of(old) in kube.objects


async def test_an_outage_in_the_middle_still_posts_what_the_status_says(
    kube: InMemoryKube, body: dict[str, Any], execute: Any
) -> None:
    def fail(verb: str, ref: Ref) -> None:
        if verb == "apply":
            raise Unavailable("try later")

    kube.fault = fail
    with pytest.raises(Unavailable):
        await execute(body, Decision(STATUS, apply=(service(body),), events=(Event("Normal", "Begun", "now"),)))
    assert [event.reason for event in kube.events] == ["Begun"]


async def test_the_registry_is_told_and_the_outbox_forgets(
    kube: InMemoryKube, registry: InMemoryRegistry, body: dict[str, Any], execute: Any
) -> None:
    status = {**STATUS, "outbox": [{"key": TAG.key}, {"key": ALIAS.key}]}
    execution = await execute(body, Decision(status, registry=(TAG, ALIAS)))
    assert registry.tags["churn", "1"] == {"verdict": "Promoted"}
    assert registry.aliases["churn", "champion"] == "1"
    assert execution.body["status"] == {**STATUS, "outbox": []}
    assert execution.retry_after is None


async def test_a_registry_that_is_down_keeps_the_outbox_and_blocks_nothing(
    kube: InMemoryKube, registry: InMemoryRegistry, body: dict[str, Any], execute: Any
) -> None:
    registry.down = Unavailable("MLflow did not answer")
    status = {**STATUS, "outbox": [{"key": TAG.key}]}
    execution = await execute(body, Decision(status, registry=(TAG,), apply=(service(body),)))
    assert execution.body["status"]["outbox"] == [{"key": TAG.key}]
    assert execution.retry_after == REGISTRY_RETRY_SECONDS
    assert len(kube.of_kind("Service")) == 1
    assert [(event.type, event.reason) for event in kube.events] == [("Warning", "RegistryWriteFailed")]


async def test_what_the_registry_took_before_it_failed_is_settled(
    registry: InMemoryRegistry, body: dict[str, Any], execute: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = RegistryWrite("tags/other/1", "other", "1", tags={"verdict": "Promoted"})

    async def forbidden(*_: Any) -> None:
        raise Forbidden("only admins move aliases")

    monkeypatch.setattr(registry, "set_alias", forbidden)
    writes = (lost, TAG, ALIAS)
    status = {**STATUS, "outbox": [{"key": write.key} for write in writes]}
    execution = await execute(body, Decision(status, registry=writes))
    assert execution.body["status"]["outbox"] == [{"key": ALIAS.key}]


async def test_a_tag_for_a_version_that_is_gone_is_dropped_and_said(
    kube: InMemoryKube, registry: InMemoryRegistry, body: dict[str, Any], execute: Any
) -> None:
    registry.versions.clear()
    execution = await execute(body, Decision({**STATUS, "outbox": [{"key": TAG.key}]}, registry=(TAG,)))
    assert execution.body["status"]["outbox"] == []
    assert [event.reason for event in kube.events] == ["RegistryWriteDropped"]


RUN = CreateRun("team/churn", "churn", {"rollmodel.dev/owner": "uid"})
CLOSE = SetRunStatus("run-1", "FINISHED")
VERSION = CreateVersion("churn", "run-1", "model", {})


async def test_tracking_comes_after_the_fence_and_asks_for_another_look(
    kube: InMemoryKube, tracking: InMemoryTracking, body: dict[str, Any], execute: Any
) -> None:
    execution = await execute(body, Decision(STATUS, tracking=(RUN, LogRun("run-1", {"a": "1"}), CLOSE)))
    assert (execution.wrote, execution.untracked, execution.retry_after) == (True, None, None)
    assert tracking.calls == ["create_run", "log_run", "set_run_status"]
    assert tracking.asked_by == [CONNECTION] * 3
    assert (tracking.runs["run-1"].status, tracking.runs["run-1"].params) == ("FINISHED", {"a": "1"})
    assert kube.events == []


async def test_of_two_operators_only_one_creates(
    tracking: InMemoryTracking, body: dict[str, Any], execute: Any
) -> None:
    claim = Decision({**STATUS, "claim": {"what": "Run", "since": "2026-01-01T00:00:00Z"}}, tracking=(RUN,))
    await execute(body, claim)
    with pytest.raises(Conflict):
        await execute(body, claim)
    assert len(tracking.runs) == 1


async def test_a_tracking_server_that_is_down_blocks_nothing_else(
    kube: InMemoryKube, tracking: InMemoryTracking, body: dict[str, Any], execute: Any
) -> None:
    tracking.down = Unavailable("MLflow did not answer")
    execution = await execute(body, Decision(STATUS, tracking=(RUN, CLOSE), apply=(service(body),)))
    assert execution.untracked == Problem("Unavailable", "MLflow did not answer", transient=True)
    assert execution.retry_after == TRACKING_RETRY_SECONDS
    assert execution.body["status"] == STATUS
    assert tracking.calls == ["create_run"]
    assert len(kube.of_kind("Service")) == 1


async def test_each_kind_of_failure_is_said_once(
    kube: InMemoryKube, tracking: InMemoryTracking, body: dict[str, Any], execute: Any
) -> None:
    for down in (Unavailable("try 1"), Unavailable("try 2"), Forbidden("not you"), Forbidden("not you"), None):
        tracking.down = down
        body = (await execute(body, Decision({**STATUS, "paused": str(down)}, tracking=(RUN,)))).body
    tracking.down = Unavailable("again")
    await execute(body, Decision(STATUS, tracking=(CLOSE,)))
    said = [(event.type, event.reason, event.message) for event in kube.events]
    assert said == [("Warning", "TrackingWriteFailed", text) for text in ("try 1", "not you", "again")]


async def test_a_run_without_a_model_comes_back_as_a_problem(
    tracking: InMemoryTracking, body: dict[str, Any], execute: Any
) -> None:
    await tracking.create_run(CONNECTION, RUN)
    execution = await execute(body, Decision(STATUS, tracking=(VERSION,)))
    assert execution.untracked is not None
    assert (execution.untracked.reason, execution.untracked.transient) == ("ModelNotLogged", False)


async def test_a_connection_that_cannot_be_read_is_a_problem_of_tracking(
    kube: InMemoryKube, body: dict[str, Any], executor: Executor
) -> None:
    async def connect() -> Connection:
        raise Forbidden("Secret mlflow must not be read")

    execution = await executor.execute(body, Decision(STATUS, tracking=(RUN,)), connect)
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
    execution = await execute(body, Decision(STATUS, tracking=(write,)))
    assert (execution.untracked is not None) == late
    assert (tracking.calls == []) == late
