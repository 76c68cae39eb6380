"""The judge of pairs: error rates under independent and clustered requests, words, and what silence means."""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray
from rollmodel.evidence import judge
from rollmodel.evidence.core.arrays import array
from rollmodel.evidence.core.mixture import log_total
from rollmodel.evidence.core.plans import PlanError
from rollmodel.evidence.core.samples import CountSample, NoEvidence, NoEvidenceReason, PairSample, Sample
from rollmodel.evidence.core.types import MetricPlan, Outcome
from rollmodel.evidence.levels import levels
from rollmodel.evidence.paired import model

from tests.support.simulation.judging import START, feed, plan, window

LIMIT = 0.02
ANSWERS = MetricPlan("answers", "paired", value_max=LIMIT)
RUNS, WINDOWS, PAIRS = 1500, 150, 40
ENDED = NoEvidence(NoEvidenceReason.COPIES_ENDED, "requests are not copied any more")
NO_PAIRS = NoEvidence(NoEvidenceReason.NO_PAIRS, "none")


def rollouts(
    shares: Iterable[float | NDArray[np.float64]], pairs: int = PAIRS, *, rows: int = 1, burst: int = 1
) -> np.ndarray:
    """The window in which each of many rollouts is called harmful, and safe; inf for never [2, runs].

    shares: of the pairs that differ, of each window. rows: of each request, which differ independently of each other.
    burst: so many requests in a row are all answered differently, or none of them.
    """
    config = model.configure(
        np.full(RUNS, LIMIT),
        levels(-np.log(0.01), -np.log(0.05)),  # of which two windows could decide: it takes more of its own
    )
    rng, state, total = np.random.default_rng(5), model.begin(config), np.full(RUNS, float(pairs))
    found = np.full((2, RUNS), np.inf)
    for number, share in enumerate(shares, 1):
        differing = array(rng.binomial(pairs * rows // burst, share, RUNS)) * burst / rows
        state = model.update(config, state, total, differing, 10.0)
        reached = log_total(state.harm) >= config.harm_level, log_total(state.safe) >= config.safe_level
        found = np.where(np.array(reached) & np.isinf(found), number, found)
    return found


def crossed(shares: Iterable[float | NDArray[np.float64]], pairs: int = PAIRS, **how: int) -> tuple[float, float]:
    """How many of many rollouts are ever called harmful and safe."""
    harm, safe = np.isfinite(rollouts(shares, pairs, **how)).mean(axis=1)
    return float(harm), float(safe)


@pytest.mark.parametrize("rows", [1, 3])
def test_at_the_limit_both_errors_keep_their_risks(rows: int) -> None:
    harm, safe = crossed(np.full((WINDOWS, RUNS), LIMIT), rows=rows)
    assert harm <= 0.01
    assert safe <= 0.05


def test_a_share_that_changes_with_the_hour_is_no_fault() -> None:
    waves = LIMIT * np.abs(np.sin(np.arange(WINDOWS) / 5.0))[:, None]
    assert crossed(np.broadcast_to(waves, (WINDOWS, RUNS)))[0] <= 0.01


def test_requests_that_come_in_clusters_are_seen_in_the_windows() -> None:
    rng = np.random.default_rng(3)
    shares = rng.beta(LIMIT * 40, (1 - LIMIT) * 40, (WINDOWS, RUNS))  # about twice the variance of independent ones
    harm, safe = crossed(shares)
    assert harm <= 0.01
    assert safe <= 0.05


@pytest.mark.parametrize(("share", "harm", "safe"), [(0.1, 0.99, 0.01), (0.001, 0.0, 0.99)])
def test_far_from_the_limit_it_decides(share: float, harm: float, safe: float) -> None:
    found = crossed(np.full((40, RUNS), share))
    assert found[0] >= harm if harm else found[0] == 0
    assert found[1] >= safe if share < LIMIT else found[1] <= safe


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pairs", "burst", "harm", "safe"),
    [(10, 1, 0.0, 0.003), (100, 2, 0.0, 0.005), (100, 5, 0.0, 0.024), (20, 5, 0.0, 0.21)],
)
def test_the_risks_are_those_that_the_decision_record_says(pairs: int, burst: int, harm: float, safe: float) -> None:
    found = crossed([LIMIT] * 300, pairs, burst=burst)
    assert found == pytest.approx((harm, safe), abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(("share", "proof", "pairs"), [(0.0, 1, 650), (LIMIT / 2, 1, 2600), (0.1, 0, 700)])
def test_it_takes_as_many_pairs_as_the_page_says(share: float, proof: int, pairs: int) -> None:
    assert 50 * np.median(rollouts([share] * 100, 50)[proof]) == pytest.approx(pairs, rel=0.1)


def begun(*metrics: MetricPlan) -> judge.JudgeState:
    return judge.begin(plan(*(metrics or (ANSWERS,))), {}, START)


def fed(differing: float, windows: int = 40) -> judge.JudgeState:
    return feed(begun(), windows, lambda _: PairSample(100, differing), name="answers", weight=0.0)


@pytest.mark.parametrize(
    ("differing", "outcome", "verdict"),
    [(10, Outcome.HARM, "Harmful"), (0, Outcome.SAFE, "ProvenSafe"), (2, Outcome.UNDECIDED, "Undecided")],
)
def test_the_verdict(differing: float, outcome: Outcome, verdict: str) -> None:
    assessment = judge.assess(fed(differing))
    [report] = assessment.metrics
    assert (assessment.outcome, report.verdict) == (outcome, verdict)
    assert (report.na, report.ka, report.unit) == (4000, 40 * differing, "pairs")
    assert report.low is not None
    assert report.high is not None
    assert report.low <= differing / 100 / LIMIT <= report.high


def test_the_words_are_about_answers() -> None:
    assessment = judge.assess(fed(10))
    assert assessment.message == "answers: proven worse than tolerated, 5 times what may differ"
    assert assessment.metrics[0].message.startswith("10 % of the answers differ (")
    assert assessment.metrics[0].message.endswith("; at most 2 % may")


def test_it_says_how_long_it_takes() -> None:
    [report] = judge.assess(fed(0, windows=1)).metrics
    assert report.seconds_to_safe is not None
    assert 0 < report.seconds_to_safe < 120
    assert report.seconds_to_harm is None
    assert judge.assess(fed(10, windows=1)).metrics[0].seconds_to_safe is None


def test_without_pairs_nothing_is_safe() -> None:
    state = feed(begun(), 40, lambda _: NO_PAIRS, name="answers", weight=0.0)
    assessment = judge.assess(state)
    assert assessment.outcome is Outcome.NO_DATA
    assert "NoPairs" in assessment.message


def test_an_answer_without_pairs_is_no_evidence() -> None:
    state = feed(begun(), 1, lambda _: PairSample(0, 0), name="answers")
    assert state.notes["answers"].reason is NoEvidenceReason.NO_PAIRS


def test_one_without_pairs_keeps_all_others_from_being_enough() -> None:
    errors = MetricPlan("errors", "count")
    state = begun(errors, ANSWERS)
    for number in range(200):
        samples: dict[str, Sample] = {"errors": CountSample(1000, 5, 1000, 5), "answers": NO_PAIRS}
        state = judge.observe(state, window(number), samples, weight=0.0)
    assessment = judge.assess(state)
    assert (assessment.outcome, assessment.blamed) == (Outcome.NO_DATA, ("answers",))


@pytest.mark.parametrize(("differing", "outcome"), [(0, Outcome.SAFE), (2, Outcome.UNDECIDED), (10, Outcome.HARM)])
def test_after_the_copies_nobody_waits_for_pairs(differing: float, outcome: Outcome) -> None:
    state = feed(fed(differing), 100, lambda _: ENDED, name="answers", first=40, weight=0.25)
    assert judge.assess(state).outcome is outcome


def test_a_state_is_small_and_goes_on_after_a_restart() -> None:
    kept = through = begun()
    for number in range(20):
        sample = {"answers": PairSample(100, 1.5)}
        kept = judge.observe(kept, window(number), sample, weight=0.0)
        through = judge.load(judge.pack(judge.observe(through, window(number), sample, weight=0.0)))
    first, second = judge.assess(kept).metrics[0], judge.assess(through).metrics[0]
    assert second.e_safe == pytest.approx(first.e_safe, rel=1e-5)
    assert len(json.dumps(judge.dump(through))) < 1500


@pytest.mark.parametrize("limit", [0.0, 1.0, None])
def test_a_limit_must_be_a_share(limit: float | None) -> None:
    with pytest.raises(PlanError, match="between 0 and 1"):
        begun(MetricPlan("answers", "paired", value_max=limit))


@pytest.mark.parametrize("sample", [PairSample(1, 2), PairSample(-1, -1), PairSample(float("nan"), 0)])
def test_what_cannot_be_changes_nothing(sample: PairSample) -> None:
    state = feed(begun(), 1, lambda _: sample, name="answers")
    assert "answers" in state.notes
    assert judge.assess(state).metrics[0].na == 0
