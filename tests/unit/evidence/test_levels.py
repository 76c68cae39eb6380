"""What proof takes, as a plan says it: the parts of the risk, and the priors that the tests begin with."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from rollmodel.evidence.core.mixture import log_total, start
from rollmodel.evidence.core.types import JudgePlan, MetricPlan
from rollmodel.evidence.levels import HARM_RESERVE, levels, of_ceilings, of_metric, of_metrics

ERRORS, SPEED = MetricPlan("errors", "count", weight=3.0), MetricPlan("speed", "latency")
PLAN = JudgePlan((ERRORS, SPEED, MetricPlan("limit", "value", value_max=1.0)), alpha_harm=0.02, alpha_safe=0.1)


def test_metrics_share_the_risk_of_harm_by_weight_and_each_may_claim_safety_at_the_whole() -> None:
    both = of_metrics(PLAN, [ERRORS, SPEED])
    assert_allclose(np.exp(-both.harm), [0.015, 0.005])
    assert_allclose(np.exp([-both.safe, -both.joint]), [0.1, 0.02])
    assert both.harm[1] == of_metric(PLAN, SPEED).harm


def test_ceilings_share_a_risk_of_their_own_and_none_needs_another() -> None:
    assert_allclose(np.exp(-of_ceilings(PLAN, 2).harm), 0.0005)
    assert_allclose(np.exp(-of_ceilings(PLAN, 0).joint), 0.001)


@pytest.mark.parametrize(("interval", "ticks", "windows", "release"), [(10.0, 360, 2, 1800.0), (1.0, 43200, 6, 21600)])
def test_time_is_that_of_the_plan(interval: float, ticks: int, windows: int, release: float) -> None:
    plan = JudgePlan((ERRORS,), interval=interval, planned_ticks=ticks)
    assert (of_metric(plan, ERRORS).windows, of_metric(plan, ERRORS).release) == (windows, release)


def test_a_batch_begins_with_a_wealth_of_one_and_keeps_a_reserve_against_harm_alone() -> None:
    spread = levels([3.0, 4.0], 2.0).over((2,)).at_least(12)
    harm, safe = (start(made) for made in (spread.against_harm(np.full(4, 0.25)), spread.for_safety(np.full(3, 1 / 3))))
    assert harm.reserve.tolist() == [HARM_RESERVE] * 2
    assert safe.reserve.tolist() == [0.0, 0.0]
    assert_allclose([log_total(harm), log_total(safe)], 0.0, atol=1e-12)
    assert spread.windows == 12
    assert spread.at_least(2).windows == 12
