from __future__ import annotations

import numpy as np
import pytest
from rollmodel.evidence import judge, sample_ratio
from rollmodel.evidence.core.samples import CountSample
from rollmodel.evidence.core.types import Outcome

from tests.support.simulation.judging import START, plan, quiet_history, window

PER_WINDOW = 1000


def first_alarm(true_share: float, *, asked: float = 0.05, windows: int = 360, sticky: int = 1, seed: int = 1) -> float:
    """Seconds until an alarm, inf for never; requests come in groups of ``sticky`` that stay on one arm."""
    rng, state = np.random.default_rng(seed), sample_ratio.begin()
    for number in range(windows):
        k = sticky * rng.binomial(PER_WINDOW // sticky, true_share)
        state = sample_ratio.update(state, PER_WINDOW, k, weight=asked, seconds=10.0, moved=False)
        if sample_ratio.alarm(state):
            return 10.0 * (number + 1)
    return float("inf")


def test_the_right_split_never_alarms() -> None:
    assert all(np.isinf(first_alarm(0.05, seed=seed)) for seed in range(30))
    assert all(np.isinf(first_alarm(0.05, sticky=10, seed=seed)) for seed in range(30))


@pytest.mark.parametrize(("true_share", "minutes"), [(0.075, 8), (0.10, 3), (0.025, 5)])
def test_a_wrong_split_is_found_in_the_reference_time(true_share: float, minutes: float) -> None:
    times = [first_alarm(true_share, seed=seed) for seed in range(20)]
    assert np.median(times) <= 60 * (minutes + 2)


def test_an_alarm_ends_when_the_split_is_right_again() -> None:
    state, alarms = sample_ratio.begin(), []
    for number in range(600):
        k = 100 if number < 100 else 50
        state = sample_ratio.update(state, PER_WINDOW, k, weight=0.05, seconds=10.0, moved=False)
        alarms.append(sample_ratio.alarm(state) is not None)
    assert alarms[99]
    assert not alarms[-1]


def test_the_windows_after_a_change_of_weight_are_left_out() -> None:
    state = sample_ratio.begin()
    for _ in range(200):
        state = sample_ratio.update(state, PER_WINDOW, 50, weight=0.05, seconds=10.0, moved=False)
    moved = sample_ratio.update(state, PER_WINDOW, 250, weight=0.25, seconds=10.0, moved=True)
    for _ in range(2):
        moved = sample_ratio.update(moved, PER_WINDOW, 999, weight=0.25, seconds=10.0, moved=False)
    assert float(moved.block_n) == float(moved.since_n) == 0
    assert sample_ratio.update(moved, PER_WINDOW, 250, weight=0.25, seconds=10.0, moved=False).block_k == 250


@pytest.mark.parametrize(("check", "outcome"), [(True, Outcome.BIASED_SPLIT), (False, Outcome.SAFE)])
def test_a_biased_split_holds_a_promotion(check: bool, outcome: Outcome) -> None:
    state = judge.begin(plan(check_share=check), {"errors": quiet_history()}, START)
    for number in range(360):
        state = judge.observe(state, window(number), {"errors": CountSample(200, 1, 800, 4)}, weight=0.05)
    assert judge.assess(state).outcome == outcome
    assert judge.assess(judge.load(judge.dump(state))).outcome == outcome


@pytest.mark.parametrize(("share", "outcome"), [(None, Outcome.BIASED_SPLIT), (0.5, Outcome.UNDECIDED)])
def test_beside_a_baseline_halves_are_right_whatever_the_weight(share: float | None, outcome: Outcome) -> None:
    state = judge.begin(plan(check_share=True), {"errors": quiet_history()}, START)
    for number in range(60):
        samples = {"errors": CountSample(1000, 8, 1000, 8)}
        state = judge.observe(state, window(number), samples, weight=0.1, share=share)
    assert judge.assess(state).outcome in {outcome, Outcome.SAFE if share else outcome}
