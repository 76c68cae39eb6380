"""Acting on a decision: the precondition, the order, and what happens when something is refused."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, get_args

import pytest
from rollmodel.errors import Conflict, Forbidden, Invalid, RollmodelError, Unauthorized, Unavailable
from rollmodel.plan.decision import (
    ApplyObject,
    CreateRun,
    CreateVersion,
    Decision,
    DeleteObject,
    Effect,
    EmitEvent,
    Event,
    LogRun,
    Ref,
    SetRunStatus,
    WriteRegistry,
)
from rollmodel.plan.problem import Problem
from rollmodel.plan.timing import Timing
from rollmodel.ports import Connection
from rollmodel.reconcile import execute as execute_module
from rollmodel.reconcile.effects import registry as registry_module
from rollmodel.reconcile.effects import runs as track_module
from rollmodel.reconcile.effects.acting import Refusal
from rollmodel.reconcile.effects.objects import FAILED_RETRY_SECONDS
from rollmodel.reconcile.effects.registry import WRITE_WITHIN_SECONDS
from rollmodel.reconcile.effects.runs import CREATE_WITHIN_SECONDS
from rollmodel.reconcile.execute import Execution, Executor, no_connection

from tests.support.contracts.kube import model_deployment, service
from tests.support.inmemory.kube import InMemoryKube
from tests.support.inmemory.neighbours import InMemoryRegistry
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


async def test_a_status_that_only_counts_pods_waits_for_a_better_one(
    kube: InMemoryKube, registry: InMemoryRegistry, body: dict[str, Any]
) -> None:
    executor = Executor(kube, registry, progress_seconds=60.0)
    first = await executor.execute(body, Decision({"replicas": 0, "paused": None}), no_connection)
    kube.writes.clear()
    waiting = await executor.execute(first.body, Decision({"replicas": 1, "paused": None}), no_connection)
    assert (waiting.wrote, waiting.body, kube.writes) == (False, first.body, [])
    assert waiting.retry_after == pytest.approx(60.0, abs=5.0)
    better = await executor.execute(first.body, Decision({"replicas": 1, "paused": "Command"}), no_connection)
    assert (better.wrote, better.body["status"]) == (True, {"replicas": 1, "paused": "Command"})


async def test_a_status_that_counts_pods_is_written_beside_effects(
    kube: InMemoryKube, registry: InMemoryRegistry, body: dict[str, Any]
) -> None:
    executor = Executor(kube, registry, progress_seconds=60.0)
    first = await executor.execute(body, Decision({"replicas": 0}), no_connection)
    decision = Decision({"replicas": 1}, (ApplyObject(service(body, "new")),))
    assert (await executor.execute(first.body, decision, no_connection)).body["status"] == {"replicas": 1}


async def test_the_status_comes_first_then_applies_then_deletes(
    kube: InMemoryKube, body: dict[str, Any], execute: Any
) -> None:
    old = await kube.apply(service(body, "old"))
    kube.writes.clear()
    decision = Decision(
        STATUS,
        (
            DeleteObject(Ref.of(old), old["metadata"]["uid"]),
            EmitEvent(Event("Normal", "Moved", "from old to new")),
            ApplyObject(service(body, "new")),
        ),
    )
    execution = await execute(body, decision)
    assert verbs(kube) == [("patch_status", "ModelDeployment"), ("apply", "Service"), ("delete", "Service")]
    assert execution.wrote
    assert execution.body["status"] == STATUS
    assert [event.reason for event in kube.events] == ["Moved"]


async def test_of_two_operators_only_one_acts(kube: InMemoryKube, body: dict[str, Any], execute: Any) -> None:
    decision = Decision(STATUS, (ApplyObject(service(body)), EmitEvent(Event("Normal", "Made", "it"))))
    await execute(body, decision)
    with pytest.raises(Conflict):
        await execute(body, decision)
    assert len(kube.events) == 1


async def test_nobody_acts_on_old_news_even_where_the_status_stays(
    kube: InMemoryKube, body: dict[str, Any], execute: Any
) -> None:
    kube.edit(Ref.of(body), lambda obj: obj["spec"].update(scale={"replicas": 3}))
    with pytest.raises(Conflict):
        await execute(body, Decision({}, (ApplyObject(service(body)),)))
    assert kube.of_kind("Service") == []


async def test_an_object_that_is_gone_is_not_acted_for(kube: InMemoryKube, body: dict[str, Any], execute: Any) -> None:
    kube.remove(Ref.of(body))
    with pytest.raises(Conflict):
        await execute(body, Decision({}, (ApplyObject(service(body)),)))
    assert not kube.objects


@pytest.mark.parametrize("after", [0, 1, 2, 3, 4, 5])
async def test_one_that_leads_no_more_does_nothing_more(
    kube: InMemoryKube, registry: InMemoryRegistry, body: dict[str, Any], after: int
) -> None:
    """Wherever in a pass it loses its Lease."""
    asked = 0

    def leads() -> bool:
        nonlocal asked
        asked += 1
        return asked <= after

    async def connect() -> Connection:
        return CONNECTION

    executor = Executor(kube, registry, leads=leads)
    effects = (ApplyObject(service(body)), EmitEvent(Event("Normal", "Made", "it")), TAG, ALIAS)
    with pytest.raises(Conflict, match="another operator"):
        await executor.execute(body, Decision(STATUS, effects), connect)
    done = len(kube.writes) + len(kube.events) + len(registry.tags) + len(registry.aliases)
    assert done <= after
    assert (done == 0) is (after == 0)


def test_each_effect_has_a_handler(executor: Executor) -> None:
    assert set(executor.handlers) == set(get_args(Effect))


def refusing(*names: str, error: RollmodelError) -> Callable[[str, Ref], None]:
    """The API server does not take these objects."""

    def fault(verb: str, ref: Ref) -> None:
        if verb == "apply" and ref.name in names:
            raise error

    return fault


async def test_what_is_refused_holds_up_nothing_else(kube: InMemoryKube, body: dict[str, Any], execute: Any) -> None:
    """Traffic must be taken from a loser even where a policy refuses every other object of the pass."""
    old = await kube.apply(service(body, "old"))
    kube.fault = refusing("first", error=Invalid("the quota is exhausted"))
    decision = Decision(
        STATUS,
        (
            ApplyObject(service(body, "first")),
            ApplyObject(service(body, "second")),
            DeleteObject(Ref.of(old), old["metadata"]["uid"]),
        ),
    )
    execution = await execute(body, decision)
    assert execution.refused == (Refusal("Service first", "the quota is exhausted", transient=False),)
    assert execution.wrote
    assert [ref.name for ref in kube.objects if ref.kind == "Service"] == ["second"]


async def test_what_needs_a_refused_object_waits_for_it(kube: InMemoryKube, body: dict[str, Any], execute: Any) -> None:
    kube.fault = refusing("first", error=Invalid("the quota is exhausted"))
    first, second, third = (service(body, name) for name in ("first", "second", "third"))
    decision = Decision(
        STATUS,
        (
            ApplyObject(first),
            ApplyObject(second, frozenset({Ref.of(first)})),
            ApplyObject(third, frozenset({Ref.of(second)})),
        ),
    )
    execution = await execute(body, decision)
    assert len(execution.refused) == 1
    assert kube.of_kind("Service") == []
    kube.fault = refusing(error=Invalid("never"))
    await execute(execution.body, decision)
    assert len(kube.of_kind("Service")) == 3


async def test_nothing_but_refusals_asks_for_no_other_pass(
    kube: InMemoryKube, body: dict[str, Any], execute: Any
) -> None:
    kube.fault = refusing("churn", error=Invalid("the quota is exhausted"))
    execution = await execute(body, Decision({}, (ApplyObject(service(body)),)))
    assert not execution.wrote
    assert execution.refused


async def test_a_webhook_that_fails_holds_up_nothing_else(
    kube: InMemoryKube, body: dict[str, Any], execute: Any
) -> None:
    kube.fault = refusing("first", error=Unavailable("failed calling webhook"))
    decision = Decision(
        STATUS,
        (
            ApplyObject(service(body, "first")),
            ApplyObject(service(body, "second")),
            EmitEvent(Event("Normal", "Begun", "now")),
            TAG,
        ),
    )
    execution = await execute(body, decision)
    assert execution.refused == (Refusal("Service first", "failed calling webhook", transient=True),)
    assert execution.retry_after == FAILED_RETRY_SECONDS
    assert [one["metadata"]["name"] for one in kube.of_kind("Service")] == ["second"]
    assert [event.reason for event in kube.events] == ["Begun"]
    assert TAG in execution.done


async def test_a_conflict_is_read_again_after_everything_else_was_applied(
    kube: InMemoryKube, registry: InMemoryRegistry, body: dict[str, Any], execute: Any
) -> None:
    kube.fault = refusing("first", error=Conflict("Service first is being deleted"))
    effects = (
        ApplyObject(service(body, "first")),
        ApplyObject(service(body, "second")),
        EmitEvent(Event("Normal", "Begun", "now")),
        TAG,
    )
    with pytest.raises(Conflict):
        await execute(body, Decision(STATUS, effects))
    assert [one["metadata"]["name"] for one in kube.of_kind("Service")] == ["second"]
    assert [event.reason for event in kube.events] == ["Begun"]
    assert registry.tags == {}


async def test_a_pass_that_is_cut_still_posts_what_the_status_says(
    kube: InMemoryKube, body: dict[str, Any], execute: Any
) -> None:
    def hang(verb: str, ref: Ref) -> None:
        if verb == "apply":
            raise TimeoutError

    kube.fault = hang
    with pytest.raises(TimeoutError):
        await execute(body, Decision(STATUS, (ApplyObject(service(body)), EmitEvent(Event("Normal", "Begun", "now")))))
    assert [event.reason for event in kube.events] == ["Begun"]


async def test_the_registry_is_told_and_the_outbox_forgets(
    kube: InMemoryKube, registry: InMemoryRegistry, body: dict[str, Any], execute: Any
) -> None:
    status = {**STATUS, "outbox": [{"key": TAG.key}, {"key": ALIAS.key}]}
    execution = await execute(body, Decision(status, (TAG, ALIAS)))
    assert registry.tags["churn", "1"] == {"verdict": "Promoted"}
    assert registry.aliases["churn", "champion"] == "1"
    assert execution.body["status"] == {**STATUS, "outbox": []}
    assert execution.retry_after is None


async def test_a_registry_that_is_down_keeps_the_outbox_and_blocks_nothing(
    kube: InMemoryKube, registry: InMemoryRegistry, body: dict[str, Any], execute: Any
) -> None:
    registry.down = Unavailable("MLflow did not answer")
    status = {**STATUS, "outbox": [{"key": TAG.key}]}
    execution = await execute(body, Decision(status, (TAG, ApplyObject(service(body)))))
    assert execution.body["status"]["outbox"] == [{"key": TAG.key}]
    assert execution.retry_after == Timing().person
    assert len(kube.of_kind("Service")) == 1
    assert [(event.type, event.reason) for event in kube.events] == [("Warning", "RegistryWriteFailed")]


def outbox(*writes: WriteRegistry) -> dict[str, Any]:
    """A status that holds these."""
    return {**STATUS, "outbox": [{"key": write.key} for write in writes]}


def refuse_aliases(registry: InMemoryRegistry, monkeypatch: pytest.MonkeyPatch, error: RollmodelError) -> None:
    async def refuse(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(registry, "set_alias", refuse)


async def test_a_write_that_is_refused_is_dropped_and_blocks_none_behind_it(
    kube: InMemoryKube,
    registry: InMemoryRegistry,
    body: dict[str, Any],
    execute: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The token may tag, but not move aliases."""
    refuse_aliases(registry, monkeypatch, Forbidden("only admins move aliases"))
    execution = await execute(body, Decision(outbox(ALIAS, TAG), (ALIAS, TAG)))
    assert execution.body["status"]["outbox"] == []
    assert registry.tags["churn", "1"] == {"verdict": "Promoted"}
    assert [(event.reason, event.message) for event in kube.events] == [
        ("RegistryWriteDropped", "only admins move aliases")
    ]
    assert (execution.done, execution.refused, execution.retry_after) == ((TAG,), (), None)


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("MLflow did not answer"),
        Unauthorized("the token has expired"),
        Invalid("what answers is not MLflow", reason="NotMlflow"),
    ],
    ids=["silence", "login", "stranger"],
)
async def test_a_write_that_nobody_judged_is_kept_and_blocks_none_behind_it(  # noqa: PLR0917
    kube: InMemoryKube,
    registry: InMemoryRegistry,
    body: dict[str, Any],
    execute: Any,
    monkeypatch: pytest.MonkeyPatch,
    error: RollmodelError,
) -> None:
    refuse_aliases(registry, monkeypatch, error)
    execution = await execute(body, Decision(outbox(ALIAS, TAG), (ALIAS, TAG)))
    assert execution.body["status"]["outbox"] == [{"key": ALIAS.key}]
    assert registry.tags["churn", "1"] == {"verdict": "Promoted"}
    assert [event.reason for event in kube.events] == ["RegistryWriteFailed"]
    assert execution.retry_after == Timing().person
    assert execution.login_refused == isinstance(error, Unauthorized)


async def test_one_failure_of_the_registry_is_one_event(
    kube: InMemoryKube, registry: InMemoryRegistry, body: dict[str, Any], execute: Any
) -> None:
    registry.down = Unavailable("MLflow did not answer")
    execution = await execute(body, Decision(outbox(ALIAS, TAG), (ALIAS, TAG)))
    assert len(execution.body["status"]["outbox"]) == 2
    assert [event.reason for event in kube.events] == ["RegistryWriteFailed"]


async def test_what_the_registry_refuses_and_no_outbox_holds_is_for_a_person(
    registry: InMemoryRegistry, body: dict[str, Any], execute: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be decided again in every pass."""
    refuse_aliases(registry, monkeypatch, Forbidden("only admins move aliases"))
    execution = await execute(body, Decision(STATUS, (ALIAS,)))
    assert execution.refused == (Refusal(ALIAS.key, "only admins move aliases", transient=False),)


async def test_a_registry_that_hangs_does_not_hold_the_pass_for_each_entry(
    registry: InMemoryRegistry, body: dict[str, Any], execute: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([1.0, 1.0, WRITE_WITHIN_SECONDS + 1.1])
    monkeypatch.setattr(registry_module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    execution = await execute(body, Decision(outbox(TAG, ALIAS), (TAG, ALIAS)))
    assert execution.body["status"]["outbox"] == [{"key": ALIAS.key}]
    assert execution.retry_after == Timing().person


async def test_a_tag_for_a_version_that_is_gone_is_dropped_and_said(
    kube: InMemoryKube, registry: InMemoryRegistry, body: dict[str, Any], execute: Any
) -> None:
    registry.versions.clear()
    execution = await execute(body, Decision({**STATUS, "outbox": [{"key": TAG.key}]}, (TAG,)))
    assert execution.body["status"]["outbox"] == []
    assert [event.reason for event in kube.events] == ["RegistryWriteDropped"]


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
