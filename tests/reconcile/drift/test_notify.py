"""Webhooks are told of alarms and trainings at least once, and nothing ever waits for them."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.errors import Unavailable
from rollmodel.plan.decision import Ref
from rollmodel.plan.notifications import GIVE_UP_SECONDS, pause

from tests.support.simulation.drifting import HOUR, DriftWorld, rows_of


def older(rng: Any, hour: int) -> Any:
    return rows_of(rng, 600, age=40.0 if hour < 11 else 46.0)


def world_with(**secret: str) -> tuple[DriftWorld, Ref]:
    world = DriftWorld(older)
    world.kube.secrets["team", "hook"] = {"url": "https://hooks.example.com/t/xyz", **secret}
    return world, world.policy(windowSeconds=[HOUR], notify={"webhookRef": {"name": "hook"}})


def told(world: DriftWorld) -> list[str]:
    return [event["data"]["reason"] for event in world.receiver.got]


async def test_an_alarm_is_told_once() -> None:
    world, ref = world_with(token="t", signingKey="k")
    operator = world.operator()
    await world.hours(operator, ref, 16)
    assert told(world) == ["DriftDetected", "RetrainSuggested"]
    first = world.receiver.got[0]
    assert first["specversion"] == "1.0"
    assert first["type"] == "dev.rollmodel.driftpolicy.driftdetected"
    assert first["source"] == "/apis/rollmodel.dev/v1alpha1/namespaces/team/driftpolicies/watch"
    assert first["data"]["modelDeployment"] == "churn"
    assert first["data"]["episode"] == 1
    assert "features/age" in first["data"]["message"]
    assert len({event["id"] for event in world.receiver.got}) == 2
    hook = world.receiver.hooks[0]
    assert (hook.token, hook.key) == ("t", "k")
    assert "xyz" not in repr(hook)
    assert world.status(ref).get("notifications") is None
    assert world.condition(ref, "Notified")["status"] == "True"
    writes = len(world.kube.writes)
    await operator.reconcile(world.kube.objects[ref])
    assert (len(world.kube.writes), world.receiver.tries) == (writes, 2), "at rest nothing is written or sent"


async def test_a_receiver_that_is_away_holds_nothing_up() -> None:
    world, ref = world_with()
    operator, world.receiver.broken = world.operator(), Unavailable("the webhook at hooks.example.com answered 503")
    said = await world.hours(operator, ref, 14)
    assert said[-1] == "Drifted"
    assert [one["reason"] for one in world.status(ref)["notifications"]] == ["DriftDetected", "RetrainSuggested"]
    world.clock.forward(30)
    result = await operator.reconcile(world.kube.objects[ref])
    assert world.condition(ref, "Notified")["reason"] == "Waiting"
    assert result.requeue_after == pytest.approx(15.0)
    assert "NotificationFailed" in {event.reason for event in world.kube.events}
    world.receiver.broken = None
    await world.settle(operator, ref)
    assert told(world) == ["DriftDetected", "RetrainSuggested"], "in the order in which they happened"
    assert world.condition(ref, "Notified")["status"] == "True"


async def test_what_is_too_old_is_dropped_and_said() -> None:
    world, ref = world_with()
    operator, world.receiver.broken = world.operator(), Unavailable("away")
    await world.hours(operator, ref, 14)
    world.clock.forward(GIVE_UP_SECONDS + 1)
    await world.settle(operator, ref)
    assert world.status(ref).get("notifications") is None
    dropped = [event for event in world.kube.events if event.reason == "NotificationDropped"]
    assert [event.message[:10] for event in dropped] == ["2 messages"]


async def test_another_operator_sends_what_one_has_left() -> None:
    world, ref = world_with()
    operator, world.receiver.broken = world.operator(), Unavailable("away")
    await world.hours(operator, ref, 14)
    ids = [one["id"] for one in world.status(ref)["notifications"]]
    world.receiver.broken = None
    await world.settle(world.operator(), ref)
    assert [event["id"] for event in world.receiver.got] == ids


@pytest.mark.parametrize(
    ("secret", "says"),
    [
        (None, "Secret 'hook' of `notify.webhookRef` does not exist"),
        ({}, "must have a key `url`"),
        ({"url": "https://alice:pw@hooks.example.com"}, "no user in it"),
        ({"url": "https://hooks.example.com", "ca": "no"}, "must be certificates in PEM"),
    ],
)
async def test_a_secret_that_cannot_be_used_is_said(secret: dict[str, str] | None, says: str) -> None:
    world, ref = world_with()
    if secret is None:
        del world.kube.secrets["team", "hook"]
    else:
        world.kube.secrets["team", "hook"] = secret
    await world.hours(world.operator(), ref, 14)
    messages = [event.message for event in world.kube.events if event.reason == "NotificationFailed"]
    assert messages
    assert all(says in message for message in messages)
    assert not any("pw" in message for message in messages)
    assert world.receiver.tries == 0


def test_pauses_grow_and_are_bounded() -> None:
    ages = [0.0]
    while ages[-1] < GIVE_UP_SECONDS:
        ages.append(ages[-1] + pause(ages[-1]))
    assert ages[1] == 10
    assert len(ages) < 20
    assert pause(1e9) == 600
