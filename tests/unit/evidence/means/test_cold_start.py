"""The guard of means where nothing is known of the stable version yet."""

from __future__ import annotations

import json

import numpy as np
import pytest
from rollmodel.evidence import judge
from rollmodel.evidence.core.samples import MeanSample
from rollmodel.evidence.core.types import MetricPlan, Outcome
from rollmodel.evidence.means import cold_start

from tests.bench.evidence.suites.cold_means import found_after
from tests.bench.evidence.suites.means import Law, ticks_of
from tests.bench.evidence.worlds import World
from tests.support.simulation.judging import START, feed, plan

COST = MetricPlan("cost", "mean", harm_ratio=1.1, safe_ratio=1.25)


def found(law: Law, ratio: float, *, requests: tuple[float, float], ticks: int, higher: bool = True) -> np.ndarray:
    drawn = ticks_of(World(*requests, 0.0), law, ratio, (100, ticks), np.random.default_rng(3))
    return found_after(drawn._replace(within=np.full_like(drawn.na, np.nan)), higher_is_worse=higher)


@pytest.mark.parametrize(
    ("law", "requests"), [(Law(0.5), (0.5, 9.5)), (Law(0.5), (5.0, 95.0)), (Law(1.3, lognormal=True), (5.0, 95.0))]
)
@pytest.mark.parametrize(("ratio", "higher"), [(10.0, True), (0.1, False)])
def test_a_glaring_mean_is_found_within_ten_windows(
    law: Law, requests: tuple[float, float], ratio: float, higher: bool
) -> None:
    after = found(law, ratio, requests=requests, ticks=10, higher=higher)
    assert (after <= 10).mean() >= 0.85
    assert after.min() >= 6, "no five windows, no decision; and the first ones show how much values vary"


@pytest.mark.parametrize("law", [Law(0.5), Law(0.5, noisy=True, noise=0.3), Law(1.3, lognormal=True)])
@pytest.mark.parametrize("higher", [True, False])
def test_a_mean_as_good_as_stable_is_left_alone(law: Law, higher: bool) -> None:
    after = np.concatenate([found(law, 1.0, requests=r, ticks=30, higher=higher) for r in ((0.5, 9.5), (5.0, 95.0))])
    assert np.isfinite(after).mean() <= 0.01


def test_a_wider_tolerance_of_the_user_moves_the_line() -> None:
    line = cold_start.line(np.array([1.1, 3.0, 1 / 1.1, 1 / 3]), np.array([1.0, 1.0, -1.0, -1.0]))
    assert line.tolist() == pytest.approx([1.5, 3.0, 1 / 1.5, 1 / 3])


def dear(number: int) -> MeanSample:
    wave = 0.05 * (-1) ** number
    return MeanSample(50, 8.0 + wave, 950, 1.0 + wave / 10)


def test_it_is_said_to_be_found_while_the_noise_is_learnt() -> None:
    found_it = judge.assess(feed(judge.begin(plan(COST), {}, START), 9, dear, name="cost"))
    assert (found_it.outcome, found_it.metrics[0].guard) == (Outcome.HARM, "Caught")
    assert "found while the noise is still learnt" in found_it.message


def test_a_state_from_before_there_was_this_guard_goes_on_without_one() -> None:
    state = feed(judge.begin(plan(COST), {}, START), 3, dear, name="cost")
    document = json.loads(judge.dump(state))
    document["parts"][0][2] = document["parts"][0][2][:-1]
    old = judge.load(json.dumps(document))
    assert json.loads(judge.dump(old)) == document
    [report] = judge.assess(feed(old, 9, dear, name="cost", first=3)).metrics
    assert (report.guard, report.verdict) == (None, "Undecided")
