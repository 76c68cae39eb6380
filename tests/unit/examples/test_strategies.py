"""The examples of strategies are what the page says that they are, and their routers can do it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.plan.deployment.analysis.policy import judge_plan
from rollmodel.plan.deployment.routers.match import RequestMatch
from rollmodel.plan.deployment.strategies.goals import Goal
from rollmodel.plan.deployment.strategies.requirements import unmet
from rollmodel.plan.deployment.strategies.table import strategy_for

EXAMPLES = Path(__file__).parents[3] / "examples"
#: The weights of the example; most of them are left out.
RAMP = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 19, 22, 26, 31, 37, 44, 50)


@pytest.mark.parametrize(
    ("name", "goals"),
    [
        ("blue-green.yaml", [Goal(0, sized_for=100, preview=True)]),
        ("shadow.yaml", [Goal(0, mirrored=20, sized_for=25), Goal(25, sized_for=25)]),
        ("paired.yaml", [Goal(0, mirrored=50, sized_for=50)]),
        ("ab-test.yaml", [Goal(50, sized_for=50, match=RequestMatch("x-group", "b"))]),
        ("ramp.yaml", [Goal(weight, sized_for=2) for weight in RAMP]),
        ("baseline.yaml", [Goal(weight, sized_for=5) for weight in (5, 25, 33)]),
        ("swap.yaml", [Goal(10, sized_for=10), Goal(25, sized_for=10)]),
    ],
)
def test_the_steps_of_an_example(name: str, goals: list[Goal]) -> None:
    spec = ModelDeploymentSpec.model_validate(yaml.safe_load((EXAMPLES / name).read_text(encoding="utf-8"))["spec"])
    strategy = strategy_for(spec)
    assert [strategy.goal(spec, step) for step in range(strategy.step_count(spec))] == goals
    assert unmet(spec) is None
    assert judge_plan(spec).planned_ticks > 0
    assert bool(spec.rollout.bake_seconds) is strategy.needs.surge
