"""Labels that come late: quick ones are not like slow ones, so they count once both arms have the same mix."""

from __future__ import annotations

import numpy as np
import pytest
from rollmodel.evidence import judge
from rollmodel.evidence.core.samples import CountSample, NoEvidenceReason
from rollmodel.evidence.core.types import MetricPlan, Outcome
from rollmodel.evidence.verdict import GRACE

from tests.support.simulation.judging import START, STEP, feed, plan, quiet_history, window

DELAY = 120.0
TICKS_LATE = round(DELAY / STEP)


def begun(delay: float = DELAY, rate: float = 0.1) -> judge.JudgeState:
    return judge.begin(plan(MetricPlan("quality", "count", delay=delay)), {"quality": quiet_history(rate)}, START)


def labels(split: list[float], *, worse: float = 1.0) -> list[CountSample]:
    """Labels per tick under this split by tick, 4000 predictions a tick, counted as they arrive.

    Of the predictions of a tick an equal part is labelled in each of the next ``TICKS_LATE``. The quickest third is
    wrong in 20 % of the cases, the others in 5 %; ``worse`` times that on the candidate. Stable had all before.
    """
    rng, found = np.random.default_rng(31), []
    for tick in range(len(split)):
        counts = np.zeros((2, 2))
        for age in range(TICKS_LATE):
            share = split[tick - age] if tick >= age else 0.0
            wrong = 0.2 if age < TICKS_LATE // 3 else 0.05
            for arm, part, factor in ((0, share, worse), (1, 1.0 - share, 1.0)):
                n = round(4000 * part / TICKS_LATE)
                counts[arm] += n, rng.binomial(n, factor * wrong)
        found.append(CountSample(*counts.ravel()))
    return found


def outcome(delay: float, *, worse: float = 1.0) -> Outcome:
    """The verdict after 40 minutes with 5 % of the traffic, then 50 %."""
    split = [0.05] * 120 + [0.5] * 120
    state = begun(delay)
    for number, sample in enumerate(labels(split, worse=worse)):
        state = judge.observe(state, window(number), {"quality": sample}, weight=split[number])
    return judge.assess(state).outcome


def test_quick_labels_would_condemn_a_version_that_equals_the_old_one() -> None:
    assert outcome(delay=0.0) == Outcome.HARM
    assert outcome(delay=DELAY) == Outcome.SAFE


def test_a_worse_version_is_found_all_the_same() -> None:
    assert outcome(delay=DELAY, worse=1.5) == Outcome.HARM


def test_nothing_counts_before_the_split_is_as_old_as_labels_are() -> None:
    sample = CountSample(50.0, 40.0, 950.0, 95.0)
    state = feed(begun(), TICKS_LATE + 1, lambda _: sample, name="quality")
    assert state.notes["quality"].reason == NoEvidenceReason.LABELS_PENDING
    assert "takes 10 s more" in state.notes["quality"].message
    assert (judge.assess(state).outcome, judge.assess(state).metrics[0].na) == (Outcome.UNDECIDED, 0.0)
    heard = feed(state, 1, lambda _: sample, name="quality", first=TICKS_LATE + 1)
    assert judge.assess(heard).metrics[0].na == 50.0
    moved = feed(judge.load(judge.dump(heard)), 1, lambda _: sample, name="quality", first=TICKS_LATE + 2, weight=0.5)
    later = feed(moved, TICKS_LATE, lambda _: sample, name="quality", first=TICKS_LATE + 3, weight=0.5)
    assert judge.assess(later).metrics[0].na == 50.0
    assert judge.assess(later).outcome == Outcome.UNDECIDED, "waiting for labels is not silence"


@pytest.mark.parametrize(("delay", "patience"), [(0.0, GRACE), (DELAY, GRACE + TICKS_LATE)])
def test_labels_that_do_not_come_are_missed_in_the_end(delay: float, patience: float) -> None:
    nothing = CountSample(0.0, 0.0, 0.0, 0.0)
    quiet = feed(begun(delay), round(patience), lambda _: nothing, name="quality")
    assert judge.assess(quiet).outcome == Outcome.UNDECIDED
    seconds_without_data = feed(quiet, 1, lambda _: nothing, name="quality", first=round(patience))
    assert judge.assess(seconds_without_data).outcome == Outcome.NO_DATA


def test_a_delay_must_be_one() -> None:
    with pytest.raises(judge.PlanError, match="delay must not be negative"):
        begun(delay=-1.0)
