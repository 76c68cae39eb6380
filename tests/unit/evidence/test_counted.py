"""The memory of what was counted, minute by minute."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from rollmodel.evidence import counted, judge
from rollmodel.evidence.core.samples import CountSample, HistogramSample, NoEvidence, NoEvidenceReason, Sample
from rollmodel.evidence.core.types import MetricPlan
from rollmodel.evidence.counted import Counted, Minute

from tests.support.simulation.judging import START, plan, quiet_history, window

SAMPLE = CountSample(na=5, ka=0, nb=95, kb=1)


def after(samples: list[Sample | None], arms: str = "v1") -> Counted:
    found = Counted()
    for number, sample in enumerate(samples):
        found = counted.after_window(found, window(number), sample, arms)
    return found


def test_windows_are_added_up_to_minutes() -> None:
    assert after([SAMPLE] * 8).minutes == (Minute(START, START + 60, 30, 570), Minute(START + 60, START + 80, 10, 190))


def test_ten_minutes_are_remembered() -> None:
    minutes = after([SAMPLE] * 600).minutes
    assert len(minutes) == 10
    assert (minutes[-1].end - minutes[0].begin) == 600


@pytest.mark.parametrize("odd", [None, NoEvidence(NoEvidenceReason.GAP), NoEvidence(NoEvidenceReason.ARM_EMPTY)])
def test_a_window_that_is_not_known_begins_a_new_minute(odd: Sample | None) -> None:
    assert [m.begin - START for m in after([SAMPLE, odd, SAMPLE]).minutes] == [0, 20]


def test_an_arm_of_which_nothing_has_come_counted_nothing() -> None:
    empty = NoEvidence(NoEvidenceReason.ARM_EMPTY, "", stable=95)
    assert after([SAMPLE, empty]).minutes == (Minute(START, START + 20, 5, 190),)


def test_a_histogram_counts_requests_too() -> None:
    assert after([HistogramSample((0.1,), (1, 2), (30, 40))]).minutes == (Minute(START, START + 10, 3, 70),)


def test_requests_beside_another_revision_are_forgotten() -> None:
    before = after([SAMPLE] * 3)
    assert counted.after_window(before, window(3), SAMPLE, "v1 fresh").minutes[0].begin == START + 30


def test_labels_that_come_late_are_no_requests() -> None:
    labels, errors = MetricPlan("labels", "count", delay=3600), MetricPlan("errors", "count")
    assert counted.metric_of(plan(labels, errors)) == "errors"
    assert counted.metric_of(plan(labels)) is None


def test_a_judge_keeps_it() -> None:
    state = judge.begin(plan(), {"errors": quiet_history()}, START)
    for number in range(8):
        state = judge.observe(state, window(number), {"errors": SAMPLE}, weight=0.05, arms="v1")
    assert judge.load(judge.pack(state)).counted == state.counted == after([SAMPLE] * 8)


def test_one_that_an_earlier_release_wrote_has_none() -> None:
    state = judge.begin(plan(), {"errors": quiet_history()}, START)
    assert "counted" not in json.loads(judge.dump(state))
    assert judge.load(judge.dump(state)).counted == Counted()


@pytest.mark.parametrize(
    "odd", [1, [], ["v1"], [1, []], ["v1", [[0, 10, 1]]], ["v1", [[0, 10, 1, 1e999]]], ["v1", [[0, 10, 1, None]]]]
)
def test_one_that_is_not_sound_is_refused(odd: object) -> None:
    state = replace(judge.begin(plan(), {"errors": quiet_history()}, START), counted=after([SAMPLE]))
    document = json.loads(judge.dump(state)) | {"counted": odd}
    with pytest.raises(judge.StateError):
        judge.load(json.dumps(document))
