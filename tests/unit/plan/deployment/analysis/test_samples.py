"""From answers to samples: odd series are named, and metrics meet in windows that all of them have."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.api.modeldeployment import Metric
from rollmodel.evidence.core.samples import (
    CountSample,
    HistogramSample,
    MeanSample,
    NoEvidence,
    NoEvidenceReason,
    ValueSample,
    Window,
)
from rollmodel.plan.deployment.analysis.samples import aligned, past, sampled
from rollmodel.plan.deployment.analysis.signals.signal import MetricQuery, Sampled, UnexpectedAnswer
from rollmodel.plan.deployment.observed import Answer

ERRORS = Metric.model_validate({"name": "errors", "preset": "Errors"})
LATENCY = Metric.model_validate({"name": "latency", "preset": "Latency"})
COST = Metric.model_validate({"name": "cost", "value": {"query": "cost", "max": "1"}})
SCORE = Metric.model_validate({"name": "score", "mean": {"sum": "s", "count": "c", "better": "Higher"}})
QUERY = MetricQuery("q", 0.0, 20.0, 10.0)
ARMS = {"bbbbbbbb": "stable", "cccccccc": "candidate"}


def series(revision: str, role: str, *values: float, pod: str = "p", key: str = "role") -> Any:
    labels = {"rollmodel_dev_revision": revision, key: role, "pod": f"{pod}-{revision}"}
    return labels, [(10.0 * i, value) for i, value in enumerate(values)]


def counts(*more: Any) -> Answer:
    total = [series("bbbbbbbb", "total", 100, 190, 280), series("cccccccc", "total", 0, 10, 20)]
    bad = [series("bbbbbbbb", "bad", 1, 2, 3), series("cccccccc", "bad", 0, 1, 1)]
    return Answer([*total, *bad, *more])


def test_counts_become_increments_of_both_arms() -> None:
    assert sampled(ERRORS, counts(), QUERY, ARMS) == [
        (Window(0, 10), CountSample(10, 1, 90, 1)),
        (Window(10, 20), CountSample(10, 0, 90, 1)),
    ]


def test_the_past_is_of_the_stable_arm() -> None:
    history = past(ERRORS, counts(), QUERY, ARMS)
    assert dict(history.pods) == {"p-bbbbbbbb": [(90.0, 1.0), (90.0, 1.0)]}


def test_buckets_become_a_histogram() -> None:
    answer = Answer(
        [
            series(revision, edge, *values, key="le")
            for revision in ARMS
            for edge, values in {"0.1": (0, 5, 5), "+Inf": (0, 8, 9)}.items()
        ]
    )
    found = sampled(LATENCY, answer, QUERY, ARMS)
    assert found[0] == (Window(0, 10), HistogramSample((0.1,), (5, 3), (5, 3)))


def scores(*, sums: tuple[float, ...] = (0, 5, 20)) -> Answer:
    stable = [series("bbbbbbbb", "sum", 100, 145, 190), series("bbbbbbbb", "count", 100, 190, 280)]
    return Answer([*stable, series("cccccccc", "sum", *sums), series("cccccccc", "count", 0, 10, 20)])


def test_sums_and_counts_become_means_of_both_arms() -> None:
    assert sampled(SCORE, scores(), QUERY, ARMS) == [
        (Window(0, 10), MeanSample(10, 0.5, 90, 0.5)),
        (Window(10, 20), MeanSample(10, 1.5, 90, 0.5)),
    ]
    assert dict(past(SCORE, scores(), QUERY, ARMS).pods) == {"p-bbbbbbbb": [(90.0, 45.0), (90.0, 45.0)]}


def test_means_are_added_up_by_their_counts() -> None:
    coarse = [(Window(0, 20), ValueSample(1.0))]
    ((_, samples),) = aligned({"score": sampled(SCORE, scores(), QUERY, ARMS), "coarse": coarse})
    assert samples["score"] == MeanSample(20, 1.0, 180, 0.5)


def test_values_are_taken_at_the_end_of_each_window() -> None:
    answer = Answer([({}, [(10.0, 0.3)])])
    first, second = sampled(COST, answer, QUERY, ARMS)
    assert first == (Window(0, 10), ValueSample(0.3))
    assert isinstance(second[1], NoEvidence)


@pytest.mark.parametrize(
    ("metric", "answer", "words"),
    [
        (ERRORS, counts(series("dddddddd", "total", 1, 2)), "neither revision"),
        (ERRORS, Answer([({"pod": "p", "role": "total"}, [])]), "neither revision"),
        (ERRORS, counts(series("bbbbbbbb", "total", 1, 2)), "several series"),
        (ERRORS, Answer([({"rollmodel_dev_revision": "bbbbbbbb"}, [])]), "neither `role` nor `le`"),
        (COST, Answer([({"a": "1"}, []), ({"a": "2"}, [])]), "2 series where one number was expected"),
    ],
)
def test_answers_that_were_not_asked_for_are_named(metric: Metric, answer: Answer, words: str) -> None:
    with pytest.raises(UnexpectedAnswer, match=words):
        sampled(metric, answer, QUERY, ARMS)


GAP = NoEvidence(NoEvidenceReason.GAP, "")


def test_metrics_meet_in_the_windows_that_all_have() -> None:
    fine = [(Window(0, 10), CountSample(1, 1, 2, 2)), (Window(10, 20), CountSample(1, 0, 2, 0))]
    coarse = [(Window(0, 20), HistogramSample((0.1,), (1, 2), (3, 4)))]
    assert aligned({"fine": fine, "coarse": coarse}) == [
        (Window(0, 20), {"fine": CountSample(2, 1, 4, 2), "coarse": HistogramSample((0.1,), (1, 2), (3, 4))})
    ]


def test_an_odd_part_makes_the_whole_window_odd() -> None:
    fine: Sampled = [(Window(0, 10), CountSample(1, 1, 2, 2)), (Window(10, 20), GAP)]
    coarse = [(Window(0, 20), ValueSample(1.0))]
    ((_, samples),) = aligned({"fine": fine, "coarse": coarse})
    assert samples == {"fine": GAP, "coarse": ValueSample(1.0)}


def test_a_metric_that_is_held_back_holds_the_others() -> None:
    fine = [(Window(0, 10), ValueSample(1.0)), (Window(10, 20), ValueSample(2.0))]
    late = [(Window(0, 10), ValueSample(5.0))]
    assert [window for window, _ in aligned({"fine": fine, "late": late})] == [Window(0, 10)]
    assert aligned({}) == []
    assert aligned({"fine": fine, "nothing": []}) == []


def test_values_are_not_added_up() -> None:
    fine = [(Window(0, 10), ValueSample(1.0)), (Window(10, 20), ValueSample(2.0))]
    coarse = [(Window(0, 20), CountSample(1, 0, 1, 0))]
    ((_, samples),) = aligned({"fine": fine, "coarse": coarse})
    assert samples["fine"] == ValueSample(2.0)
