"""The judge of mean differences: error rates, how many pairs a proof takes, words, and what cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from rollmodel.evidence import judge
from rollmodel.evidence.core.mixture import log_total
from rollmodel.evidence.core.samples import DifferenceSample, NoEvidence, NoEvidenceReason
from rollmodel.evidence.core.types import MetricPlan, Outcome
from rollmodel.evidence.levels import levels
from rollmodel.evidence.paired import differences
from rollmodel.evidence.paired.differences import Batch

from tests.support.simulation.judging import START, feed, plan

LIMIT = 0.01
SCORES = MetricPlan("scores", "difference", value_max=LIMIT / 2, value_scale=2.0)
RUNS, WINDOWS, PAIRS = 600, 150, 40
ENDED = NoEvidence(NoEvidenceReason.COPIES_ENDED, "requests are not copied any more")

Numbers = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, int]], Numbers]


def normal(mean: float, deviation: float) -> Draw:
    return lambda rng, shape: np.clip(rng.normal(mean, deviation, shape), -1.0, 1.0)


def skewed(mean: float) -> Draw:
    """Of fifty pairs one is far off, and all others a little the other way."""
    rest = (mean - 0.02 * 0.9) / 0.98
    return lambda rng, shape: np.where(rng.random(shape) < 0.02, 0.9, rest)


def bursts(draw: Draw, size: int) -> Draw:
    """So many requests in a row are answered equally."""
    return lambda rng, shape: np.repeat(draw(rng, (shape[0], shape[1] // size)), size, axis=1)


def rollouts(draw: Draw, limit: float = LIMIT, *, windows: int = WINDOWS, runs: int = RUNS) -> Numbers:
    """The window in which each of many rollouts is called harmful, and safe; inf for never [2, runs]."""
    config = differences.configure(
        np.full(runs, limit),
        levels(-np.log(0.01), -np.log(0.05)),  # of which two windows could decide: it takes more of its own
    )
    rng, state, total = np.random.default_rng(5), differences.begin(config), np.full(runs, float(PAIRS))
    found = np.full((2, runs), np.inf)
    for number in range(1, windows + 1):
        values = draw(rng, (runs, PAIRS))
        state = differences.update(config, state, Batch(total, values.sum(axis=1), (values**2).sum(axis=1)), 10.0)
        reached = log_total(state.harm) >= config.harm_level, differences.log_safe(state) >= config.safe_level
        found = np.where(np.array(reached) & np.isinf(found), number, found)
    return found


def crossed(draw: Draw, limit: float = LIMIT, **how: int) -> tuple[float, float]:
    """How many of many rollouts are ever called harmful and safe."""
    harm, safe = np.isfinite(rollouts(draw, limit, **how)).mean(axis=1)
    return float(harm), float(safe)


@pytest.mark.parametrize(
    ("draw", "limit"),
    [
        (normal(LIMIT, 0.05), LIMIT),
        (normal(-LIMIT, 0.05), LIMIT),
        (normal(0.02, 0.3), 0.02),
        (skewed(0.02), 0.02),
        (skewed(-0.02), 0.02),
    ],
    ids=["above", "below", "noisy", "skewed above", "skewed below"],
)
def test_at_the_limit_both_errors_keep_their_risks(draw: Draw, limit: float) -> None:
    harm, safe = crossed(draw, limit)
    assert harm <= 0.01
    assert safe <= 0.05


@pytest.mark.parametrize("size", [2, 5])
def test_bursts_are_seen_in_the_windows(size: int) -> None:
    harm, safe = crossed(bursts(normal(0.02, 0.1), size), 0.02)
    assert harm <= 0.01
    assert safe <= 0.05


@pytest.mark.parametrize(("mean", "harm", "safe"), [(0.03, 0.99, 0.0), (-0.03, 0.99, 0.0), (0.0, 0.0, 0.99)])
def test_far_from_the_limit_it_decides(mean: float, harm: float, safe: float) -> None:
    found = crossed(normal(mean, 0.05))
    assert found[0] >= harm if harm else found[0] == 0
    assert found[1] >= safe if safe else found[1] == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mean", "deviation", "proof", "pairs"),
    [(0.0, 1e-9, 1, 840), (0.0, 0.05, 1, 1480), (0.005, 0.05, 1, 2880), (0.03, 0.05, 0, 960), (0.05, 0.2, 0, 1320)],
)
def test_it_takes_as_many_pairs_as_the_page_says(mean: float, deviation: float, proof: int, pairs: int) -> None:
    assert PAIRS * np.median(rollouts(normal(mean, deviation))[proof]) == pytest.approx(pairs, rel=0.1)


def test_the_limits_of_the_mean_hold_at_all_times() -> None:
    rng, missed = np.random.default_rng(2), 0
    for _ in range(60):
        values = rng.normal(0.01, 0.1, 2000)
        ends = [50, 200, 1000, 2000]
        sums = [(n, float(values[:n].sum()), float((values[:n] ** 2).sum())) for n in ends]
        found = [differences.limits_of_mean(*one, 1.0) for one in sums]
        missed += not all(low <= 0.01 <= high for low, high in found)
        assert found[-1][1] - found[-1][0] < 0.03
    assert missed <= 3
    assert differences.limits_of_mean(0, 0, 0, 1.0) == (-1.0, 1.0)


def begun() -> judge.JudgeState:
    return judge.begin(plan(SCORES), {}, START)


def fed(mean: float, windows: int = 60) -> judge.JudgeState:
    """Windows of 100 pairs with this mean and a standard deviation of 0.02, in parts of the largest."""
    sample = DifferenceSample(100, 100 * mean, 100 * (mean**2 + 0.02**2))
    return feed(begun(), windows, lambda _: sample, name="scores", weight=0.0)


@pytest.mark.parametrize(
    ("mean", "outcome", "verdict"),
    [
        (0.02, Outcome.HARM, "Harmful"),
        (-0.02, Outcome.HARM, "Harmful"),
        (0.0, Outcome.SAFE, "ProvenSafe"),
        (0.005, Outcome.UNDECIDED, "Undecided"),
    ],
)
def test_the_verdict(mean: float, outcome: Outcome, verdict: str) -> None:
    assessment = judge.assess(fed(mean))
    [report] = assessment.metrics
    assert (assessment.outcome, report.verdict, report.na, report.unit) == (outcome, verdict, 6000, "pairs")
    assert report.low is not None
    assert report.high is not None
    assert report.low <= abs(mean) / (LIMIT / 2) <= report.high


def test_the_words_are_in_units_of_the_answer() -> None:
    [report] = judge.assess(fed(-0.02)).metrics
    assert report.message.startswith("the candidate answers -0.04 on average (-0.0")
    assert report.message.endswith("; at most 0.01 either way may be")
    [report] = judge.assess(begun()).metrics
    assert report.message == "no pairs yet; answers may differ by 0.01 on average"


def test_it_says_how_long_it_takes() -> None:
    [report] = judge.assess(fed(0.0, windows=1)).metrics
    assert report.seconds_to_safe is not None
    assert 0 < report.seconds_to_safe < 600
    assert report.seconds_to_harm is None


@pytest.mark.parametrize(("mean", "outcome"), [(0.0, Outcome.SAFE), (0.005, Outcome.UNDECIDED), (0.02, Outcome.HARM)])
def test_after_the_copies_nobody_waits_for_pairs(mean: float, outcome: Outcome) -> None:
    state = feed(fed(mean), 100, lambda _: ENDED, name="scores", first=60, weight=0.25)
    assert judge.assess(state).outcome is outcome


def test_a_state_is_small_and_goes_on_after_a_restart() -> None:
    kept = fed(0.002, windows=20)
    through = judge.load(judge.pack(kept))
    first, second = judge.assess(kept).metrics[0], judge.assess(through).metrics[0]
    assert second.e_safe == pytest.approx(first.e_safe, rel=1e-5)
    assert second.message == first.message
    assert len(json.dumps(judge.dump(through))) < 1500


@pytest.mark.parametrize(
    "sample",
    [
        DifferenceSample(0, 0, 0),
        DifferenceSample(1, 2, 1),
        DifferenceSample(10, 5, 1),
        DifferenceSample(10, 0, 11),
        DifferenceSample(10, 0, -1),
        DifferenceSample(float("nan"), 0, 0),
    ],
)
def test_what_cannot_be_changes_nothing(sample: DifferenceSample) -> None:
    state = feed(begun(), 1, lambda _: sample, name="scores")
    assert "scores" in state.notes
    assert judge.assess(state).metrics[0].na == 0
