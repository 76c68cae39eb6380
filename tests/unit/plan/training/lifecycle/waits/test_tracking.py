"""A run that waits for MLflow waits on; once it has waited for too long, somebody is told, once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rollmodel.plan.timing import Timing

from tests.support.simulation.trainings.job_controller import Behaviour
from tests.support.simulation.trainings.specs import DEFAULTS, spec
from tests.support.simulation.trainings.world import World

PATIENCE = 120.0


def world_of(*attempts: Behaviour, **fields: Any) -> World:
    """A run of an operator that tells after two minutes."""
    wished, patient = fields.pop("spec", spec()), replace(DEFAULTS, timing=Timing(pending=PATIENCE))
    return World(wished, attempts=attempts or ("good",), defaults=patient, **fields)


def passes(world: World, seconds: float) -> None:
    """As many passes as that takes."""
    for _ in range(int(seconds // 5)):
        world.reconcile()
        world.advance(5)


def until(world: World, kind: str, reason: str) -> None:
    """Passes until a condition has this reason."""
    for _ in range(100):
        world.reconcile()
        if world.condition(kind)["reason"] == reason:
            return
        world.advance(5)
    raise AssertionError(world.status)


def warnings(world: World) -> list[str]:
    """Reasons of the Warnings that were posted."""
    return [event.reason for event in world.events if event.type == "Warning"]


def begin(world: World, where: str) -> None:
    """Bring the run to where it next needs MLflow."""
    if where == "between attempts":
        until(world, "Succeeded", "Retrying")
        world.advance(30)
    elif where in ("after the pods", "to say its end"):
        until(world, "Running", "Running")
        world.advance(60)
    elif where == "to see its end":
        until(world, "Succeeded", "GatesFailed")


@pytest.mark.parametrize(
    ("where", "trouble", "attempts", "outcome"),
    [
        ("before the run", "down", ("good",), "Registered"),
        ("before the run", "read-only", ("good",), "Registered"),
        ("between attempts", "down", ("fail", "good"), "Registered"),
        ("after the pods", "down", ("good",), "Registered"),
        ("after the pods", "read-only", ("good",), "Registered"),
        ("to see its end", "down", ("bad-metric",), "GatesFailed"),
        ("to say its end", "read-only", ("bad-metric",), "GatesFailed"),
    ],
)
def test_a_wait_for_mlflow_is_told_of_and_ends_by_itself(
    where: str, trouble: str, attempts: tuple[Behaviour, ...], outcome: str
) -> None:
    world = world_of(*attempts)
    begin(world, where)
    before = len(warnings(world))
    world.mlflow_up, world.mlflow_writable = trouble != "down", trouble != "read-only"
    passes(world, PATIENCE - 10)
    assert world.condition("Stalled")["status"] == "False"
    passes(world, 60)
    stalled = world.condition("Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "TrackingUnavailable")
    assert "for 120 s: " in stalled["message"]
    assert "ROLLMODEL_REGISTRY_URL" in stalled["message"]
    passes(world, 600)
    assert [one for one in warnings(world)[before:] if one != "GatesFailed"] == ["TrackingUnavailable"]
    world.mlflow_up = world.mlflow_writable = True
    world.settle()
    assert world.condition("Succeeded")["reason"] == outcome
    assert world.condition("Stalled")["status"] == "False"
    assert "trackingWaitStartTime" not in world.status


def test_a_connection_of_its_own_is_named() -> None:
    world = world_of(spec=spec(tracking={"connectionRef": {"name": "mlflow-of-a"}}), mlflow_up=False)
    passes(world, PATIENCE + 30)
    assert "`url` of Secret 'mlflow-of-a'" in world.condition("Stalled")["message"]


def test_pods_that_train_wait_for_nobody() -> None:
    world = world_of("hang")
    until(world, "Running", "Running")
    world.mlflow_up = False
    passes(world, 5 * PATIENCE)
    assert world.condition("Stalled")["status"] == "False"
    assert "trackingWaitStartTime" not in world.status


def test_each_wait_begins_anew() -> None:
    world = world_of("fail", "good")
    world.mlflow_up = False
    passes(world, PATIENCE - 20)
    world.mlflow_up = True
    begin(world, "between attempts")
    world.mlflow_up = False
    passes(world, PATIENCE - 20)
    assert world.condition("Stalled")["status"] == "False"
