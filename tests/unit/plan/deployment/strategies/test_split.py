"""How much traffic a candidate should get, and how many pods that takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rollmodel.api.modeldeployment import ArmStatus, ModelDeploymentSpec
from rollmodel.plan.deployment.context import Context
from rollmodel.plan.deployment.objects.live import LiveObjects
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.routers.router import router_for
from rollmodel.plan.deployment.state import RolloutState
from rollmodel.plan.deployment.strategies.current_goal import current_goal
from rollmodel.plan.deployment.strategies.split import candidate_pods, desired_weights, least_pods
from rollmodel.plan.deployment.strategies.table import strategy_for

from tests.support.simulation.rollouts import Cluster, spec

STABLE, CANDIDATE = "bbbbbbbb", "cccccccc"
STEPS = [{"weight": 10}, {"pause": "Manual"}, {"weight": 50}]


def sized(replicas: int = 10, **changes: Any) -> ModelDeploymentSpec:
    return spec(scale={"replicas": replicas}, rollout={"steps": STEPS}, **changes)


def state(step: int | None, paused: str | None = None, weight: int = 0) -> RolloutState:
    candidate = ArmStatus(revision=CANDIDATE, step=step, weight=weight) if step is not None else None
    return RolloutState(stable=ArmStatus(revision=STABLE), candidate=candidate, paused=paused)


def rollout(now: RolloutState, stable: int = 0, candidate: int = 0) -> Rollout:
    """A rollout in this state, with so many ready pods."""
    ready = {STABLE: stable, CANDIDATE: candidate}
    live = LiveObjects(
        deployments={revision: {"status": {"readyReplicas": count}} for revision, count in ready.items()}
    )
    context = Context.of(Cluster(sized()).observe())
    return Rollout(now, replace(context, live=live), strategy_for(context.spec))


@pytest.mark.parametrize(
    ("weight", "full", "routed", "by_number"),
    [
        (0, 10, 0, 0),
        (5, 10, 1, 1),
        (25, 10, 3, 3),
        (50, 10, 5, 10),
        (90, 10, 9, 10),
        (100, 10, 10, 10),
        (50, 0, 0, 0),
        (1, 1, 1, 1),
    ],
)
def test_pods_for_a_weight(weight: int, full: int, routed: int, by_number: int) -> None:
    assert router_for(sized()).pods_for(weight, full) == routed
    assert router_for(sized(traffic=None)).pods_for(weight, full) == by_number


@pytest.mark.parametrize(("step", "weight"), [(None, 0), (-1, 0), (0, 10), (1, 10), (2, 50), (3, 100)])
def test_the_weight_of_a_step(step: int | None, weight: int) -> None:
    assert current_goal(rollout(state(step))).weight == weight


def test_a_pause_while_taking_over_keeps_the_last_weight() -> None:
    assert current_goal(rollout(state(3, paused="Command: paused"))).weight == 50


@pytest.mark.parametrize(
    ("step", "stable", "ready", "share"),
    [
        (-1, 10, 5, 0),  # no weight before it was earned
        (0, 10, 1, 10),
        (0, 10, 0, 0),  # no pod, no weight
        (2, 10, 5, 50),
        (2, 10, 4, 10),  # too few for the step: what they can carry
        (2, 10, 0, 0),
        (3, 10, 10, 100),
        (3, 10, 9, 50),  # everything takes the full size
        (2, 4, 2, 50),  # stable has fewer pods than it should: the share is of those
        (2, 0, 1, 100),  # stable has none: somebody must answer
        (-1, 0, 1, 0),  # but not one that has earned nothing
    ],
)
def test_weight_follows_ready_pods(step: int, stable: int, ready: int, share: int) -> None:
    weights = desired_weights(rollout(state(step), stable, ready))
    assert weights.get(CANDIDATE, 0) == share
    assert sum(weights.values()) == 100


def test_the_first_revision_gets_everything_once_it_answers() -> None:
    first = RolloutState(candidate=ArmStatus(revision=CANDIDATE, step=-1))
    assert desired_weights(rollout(first)) == {}
    assert desired_weights(rollout(first, 0, 1)) == {CANDIDATE: 100}


@pytest.mark.parametrize(
    ("step", "observed", "pods"),
    [(-1, 0, 1), (0, 10, 1), (2, 10, 5), (0, 50, 5), (3, 50, 10)],
    ids=["start", "first", "grow before weight", "shrink after weight", "take over"],
)
def test_pods_come_before_weight_and_go_after_it(step: int, observed: int, pods: int) -> None:
    assert candidate_pods(rollout(state(step, weight=observed), 10, 5)) == pods


def test_a_candidate_starts_with_what_its_first_weight_takes() -> None:
    half = Context.of(Cluster(spec(scale={"replicas": 10}, rollout={"steps": [{"weight": 50}]})).observe())
    assert least_pods(rollout(state(-1))) == 1
    assert least_pods(Rollout(state(-1), half, strategy_for(half.spec))) == 5
