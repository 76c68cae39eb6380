"""`podsPercent`: more pods at a step than its weight takes, never fewer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.plan.deployment.strategies.canary import Canary
from rollmodel.plan.deployment.strategies.goals import Goal
from rollmodel.plan.deployment.strategies.requirements import unmet

from tests.support.simulation.rollouts import Cluster, spec

STEPS = [{"weight": 10, "podsPercent": 50}, {"pause": "Manual"}, {"weight": 50, "podsPercent": 20}, {"weight": 60}]


def test_the_goals_of_steps_with_pods() -> None:
    wish = spec(rollout={"steps": STEPS})
    goals = [Canary().goal(wish, step) for step in range(-1, 4)]
    assert goals == [
        Goal(0, sized_for=50),
        *[Goal(10, sized_for=50)] * 2,
        Goal(50, sized_for=20),
        Goal(60, sized_for=10),
    ]


def test_a_step_waits_for_its_pods(serving: Callable[..., Cluster]) -> None:
    cluster = serving(scale={"replicas": 4}, rollout={"steps": [{"weight": 5}, {"weight": 10, "podsPercent": 100}]})
    candidate = cluster.try_version()
    seen = set[tuple[int, int]]()

    def over() -> bool:
        seen.add(
            (cluster.served.get(candidate, 0), sum(pod.ready for pod in cluster.pods if pod.revision == candidate))
        )
        return cluster.served.get(candidate) == 100

    assert cluster.run(3600, over)
    assert {(5, 1), (10, 4)} <= seen
    begun = [event.message for event in cluster.events if event.reason == "StepEntered"]
    assert "goes to 10 %, step 2 of 2" in begun[-1]


@pytest.mark.parametrize(("traffic", "met"), [({"parentRefs": [{"name": "public"}]}, True), (None, False)])
def test_without_a_gateway_pods_are_the_share(traffic: object, met: bool) -> None:
    wish = {**spec(rollout={"steps": STEPS}).to_wire(), "traffic": traffic}
    problem = unmet(ModelDeploymentSpec.model_validate(wish))
    assert (problem is None) is met
