"""The precondition, and the order in which a decision is carried out."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from rollmodel.errors import Conflict
from rollmodel.plan.decision import (
    ApplyObject,
    Decision,
    DeleteObject,
    Effect,
    EmitEvent,
    Event,
    Ref,
)
from rollmodel.ports.registry import Connection
from rollmodel.reconcile.execute import Executor, no_connection

from tests.reconcile.effects.conftest import ALIAS, CONNECTION, STATUS, TAG, verbs
from tests.support.contracts.kube import service
from tests.support.inmemory.kube import InMemoryKube
from tests.support.inmemory.neighbours import InMemoryRegistry


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


async def test_once_a_workload_is_made_others_have_their_turn(
    kube: InMemoryKube, registry: InMemoryRegistry, body: dict[str, Any]
) -> None:
    """Before the rest of what the object needs, and only when it is made."""
    turns: list[tuple[str, list[str]]] = []

    async def arrived(uid: str) -> None:
        turns.append((uid, [ref.name for verb, ref in kube.writes if verb == "apply"]))

    executor = Executor(kube, registry, arrived=arrived)
    workload = {**service(body, "pods"), "apiVersion": "apps/v1", "kind": "Deployment"}
    effects = (ApplyObject(service(body, "before")), ApplyObject(workload), ApplyObject(service(body, "after")))
    first = await executor.execute(body, Decision(STATUS, effects), no_connection)
    changed = {**workload, "spec": {"replicas": 2}}
    await executor.execute(first.body, Decision(STATUS, (ApplyObject(changed),)), no_connection)
    assert turns == [(body["metadata"]["uid"], ["before", "pods"])]


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
