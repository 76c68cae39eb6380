"""The registry is told; one that is down, hangs or refuses holds up nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from rollmodel.errors import Forbidden, Invalid, RollmodelError, Unauthorized, Unavailable
from rollmodel.plan.decision import (
    ApplyObject,
    Decision,
    WriteRegistry,
)
from rollmodel.plan.timing import Timing
from rollmodel.reconcile.effects import registry as registry_module
from rollmodel.reconcile.effects.execution_state import Refusal
from rollmodel.reconcile.effects.registry import WRITE_WITHIN_SECONDS

from tests.reconcile.effects.conftest import ALIAS, STATUS, TAG
from tests.support.contracts.kube import service
from tests.support.inmemory.kube import InMemoryKube
from tests.support.inmemory.neighbours import InMemoryRegistry


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
