"""From ``analysis`` to the plan of the judge: margins, risks, shares."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.evidence.core.plans import validated
from rollmodel.evidence.core.types import MetricPlan
from rollmodel.plan.deployment.analysis.policy import judge_plan

from tests.support.simulation.rollouts import spec


def metric(**fields: Any) -> MetricPlan:
    plan = judge_plan(spec(analysis={"metrics": [{"name": "m", **fields}]}))
    return validated(plan).metrics[0]


def margins(plan: MetricPlan) -> tuple[float, float, float, float]:
    return plan.harm_ratio, plan.harm_absolute, plan.safe_ratio, plan.safe_absolute


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"preset": "Errors"}, (1.1, 0.0, 1.5, 0.0)),
        ({"preset": "Latency"}, (1.1, 0.0, 1.25, 0.0)),
        ({"mean": {"sum": "s", "count": "c", "better": "Lower"}}, (1.1, 0.0, 1.25, 0.0)),
        ({"preset": "Errors", "tolerance": {"ratio": "1.2"}}, (1.2, 0.0, 1.5, 0.0)),
        ({"preset": "Errors", "tolerance": {"ratio": "2"}}, (2.0, 0.0, 2.0, 0.0)),
        ({"preset": "Errors", "tolerance": {"absolute": "0.01"}}, (1.0, 0.01, 1.5, 0.01)),
        (
            {"preset": "Errors", "tolerance": {"ratio": "1.2"}, "safeTolerance": {"ratio": "1.3", "absolute": "0.1"}},
            (1.2, 0.0, 1.3, 0.1),
        ),
    ],
)
def test_margins(fields: dict[str, Any], expected: tuple[float, float, float, float]) -> None:
    assert margins(metric(**fields)) == expected


def test_kinds_and_limits() -> None:
    assert metric(preset="Latency").kind == "latency"
    assert metric(counts={"bad": "a", "total": "b"}, ceiling="0.05").ceiling == 0.05
    mean = metric(mean={"sum": "s", "count": "c", "better": "Higher", "delaySeconds": 60})
    assert (mean.kind, mean.higher_is_worse, mean.delay) == ("mean", False, 60.0)
    assert metric(mean={"sum": "s", "count": "c", "better": "Lower"}).higher_is_worse
    assert metric(counts={"bad": "a", "total": "b", "delaySeconds": 3600}).delay == 3600.0
    value = metric(value={"query": "q", "min": "0.5", "failureLimit": 4})
    assert (value.kind, value.value_min, value.value_max, value.failure_limit) == ("value", 0.5, None, 4)


def test_risks_and_shares() -> None:
    routed = judge_plan(spec(analysis={"falseRollbackRisk": "0.02", "intervalSeconds": 5}))
    assert (routed.alpha_harm, routed.alpha_safe, routed.interval) == (0.02, 0.05, 5.0)
    assert (routed.candidate_share, routed.check_share) == (0.1, True)
    by_number = judge_plan(spec(traffic=None, scale={"replicas": 4}))
    assert (by_number.candidate_share, by_number.check_share) == (0.2, False)


def test_the_plan_lasts_as_long_as_the_steps_may() -> None:
    steps = [{"weight": 5, "maxSeconds": 600}, {"weight": 50, "maxSeconds": 400}]
    assert judge_plan(spec(rollout={"steps": steps})).planned_ticks == 100
