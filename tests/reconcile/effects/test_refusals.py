"""What happens to the rest of a decision when something is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rollmodel.errors import Conflict, Invalid, RollmodelError, Unavailable
from rollmodel.plan.decision import (
    ApplyObject,
    Decision,
    DeleteObject,
    EmitEvent,
    Event,
    Ref,
)
from rollmodel.reconcile.effects.execution_state import Refusal
from rollmodel.reconcile.effects.objects import FAILED_RETRY_SECONDS

from tests.reconcile.effects.conftest import STATUS, TAG
from tests.support.contracts.kube import service
from tests.support.inmemory.kube import InMemoryKube
from tests.support.inmemory.neighbours import InMemoryRegistry


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
    kube.fault = refusing("first", error=Conflict("Service first was deleted just now"))
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
