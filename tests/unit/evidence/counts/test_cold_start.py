"""The guard of a rollout that knows nothing of the noise yet."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from rollmodel.evidence import glaring, judge
from rollmodel.evidence.core.evalue import margin, tick
from rollmodel.evidence.core.samples import CountSample, Window
from rollmodel.evidence.core.types import JudgePlan, MetricPlan, Outcome
from rollmodel.evidence.counts import cold_start
from rollmodel.evidence.counts import model as counts
from rollmodel.evidence.counts.baseline import unknown
from rollmodel.evidence.levels import levels

from tests.bench.evidence.worlds import World, simulate

LEVEL = -np.log(0.01)
LEARNING = 30


def found_after(world: World, runs: int, *, seed: int = 7) -> Any:
    """Windows until harm is proven by the policy of a new ModelDeployment; infinite where it is not."""
    known = unknown((runs,))
    config = counts.configure(known, harm=margin(1.1), safe=margin(1.5), levels=levels(LEVEL, -np.log(0.05)))
    state, drawn = counts.begin(config, known), simulate(world, runs, np.random.default_rng(seed))
    after = np.full(runs, np.inf)
    for t in range(world.ticks):
        state = counts.update(config, state, tick(drawn.na[:, t], drawn.ka[:, t], drawn.nb[:, t], drawn.kb[:, t]))
        after = np.where((counts.log_harm(state) >= LEVEL) & np.isinf(after), t + 1, after)
    return after


@pytest.mark.parametrize(
    ("world", "least"),
    [
        (World(0.5, 9.5, 0.005, extra=0.295, ticks=10), 0.85),  # five requests a tick
        (World(5, 95, 0.005, extra=0.295, ticks=10), 0.99),
        (World(5, 15, 0.0, extra=0.3, ticks=10), 0.99),
        (World(5, 95, 0.01, ratio=10.0, ticks=10), 0.95),
        (World(50, 950, 0.005, ratio=10.0, ticks=10), 0.99),
    ],
)
def test_a_glaring_fault_is_found_within_ten_windows(world: World, least: float) -> None:
    after = found_after(world, 100)
    assert (after <= 10).mean() >= least
    assert after.min() >= 5, "fewer than five windows never decide"


@pytest.mark.parametrize("noise", ["poisson", "ar .6", "burst4", "storm"])
@pytest.mark.parametrize(("canary", "stable"), [(0.5, 9.5), (5.0, 95.0), (50.0, 50.0)])
def test_a_healthy_version_is_left_alone_while_the_noise_is_learnt(noise: str, canary: float, stable: float) -> None:
    worlds = [World(canary, stable, base, noise=noise, ticks=LEARNING) for base in (0.005, 0.05)]
    found = np.concatenate([found_after(world, 100) for world in worlds])
    assert np.isfinite(found).mean() <= 0.01


def test_four_windows_of_nothing_but_errors_do_not_decide() -> None:
    """A stall, however complete: the fifth window would have to agree."""
    known = unknown(())
    config = counts.configure(known, harm=margin(1.1), safe=margin(1.5), levels=levels(LEVEL, LEVEL))
    state = counts.begin(config, known)
    for _ in range(4):
        state = counts.update(config, state, tick(500, 500, 9500, 0))
    assert counts.log_harm(state) < LEVEL
    assert counts.log_harm(counts.update(config, state, tick(500, 500, 9500, 0))) >= LEVEL


def test_the_guard_takes_its_part_of_the_risk_and_nothing_where_history_is_known() -> None:
    config = counts.configure(unknown((2,)), harm=margin(1.1), safe=margin(1.5), levels=levels(LEVEL, LEVEL))
    teach = np.array([30.0, 0.0])
    wealth = glaring.begin(config.guard, teach)
    assert_allclose(np.exp(wealth.log).sum(-1), [0.5, 0.0], atol=1e-12)
    assert glaring.main_part(teach).tolist() == [0.5, 1.0]


def test_a_wider_tolerance_of_the_user_moves_the_guard_too() -> None:
    assert_allclose(cold_start.line(margin(3.0, 0.2)), (3.0, 0.2))
    assert_allclose(cold_start.line(margin(1.1)), (1.5, 0.005))


def test_a_state_from_before_there_were_guards_goes_on_without_one() -> None:
    plan = JudgePlan(metrics=(MetricPlan("errors", "count"),), alpha_harm=0.01)
    before = judge.begin(plan, {}, 1000.0)
    document = json.loads(judge.dump(before))
    document["parts"][0][2] = document["parts"][0][2][:-1]
    state, old = judge.load(json.dumps(document)), judge.load(judge.dump(before))
    for number in range(8):
        seen = Window(1000.0 + 10 * number, 1010.0 + 10 * number), {"errors": CountSample(50, 25, 950, 5)}
        state, old = judge.observe(state, *seen), judge.observe(old, *seen)
    assert judge.assess(state).outcome is Outcome.UNDECIDED
    found = judge.assess(old)
    assert (found.outcome, found.metrics[0].guard) == (Outcome.HARM, "Caught")
    assert "found while the noise is still learnt" in found.message
    assert len(json.loads(judge.dump(state))["parts"][0][2]) == len(document["parts"][0][2])
