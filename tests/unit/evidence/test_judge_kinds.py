"""The judge with latency, mean and threshold metrics."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from rollmodel.evidence import judge
from rollmodel.evidence.core.samples import (
    CountSample,
    HistogramSample,
    MeanSample,
    NoEvidence,
    NoEvidenceReason,
    Sample,
    ValueSample,
)
from rollmodel.evidence.core.types import MetricHistory, MetricPlan, Outcome
from scipy.stats import norm

from tests.support.simulation.judging import START, feed, plan, quiet_history, window

EDGES = (0.0, 0.05, 0.1, 0.25, 0.5, 1.0)
LATENCY = MetricPlan("latency", "latency", harm_ratio=1.1, safe_ratio=1.3)
COST = MetricPlan("cost", "mean", harm_ratio=1.05, safe_ratio=1.2)
RNG = np.random.default_rng(21)
NAN, INF = math.nan, math.inf


def buckets(n: int, factor: float = 1.0) -> list[float]:
    survival = norm.sf(np.log(np.array(EDGES[1:]) / (0.12 * factor)) / 0.5)
    shares = -np.diff(np.concatenate([[1.0, 1.0], survival, [0.0]]))
    return [float(k) for k in RNG.multinomial(n, shares)]


def histogram(factor: float = 1.0) -> HistogramSample:
    return HistogramSample(EDGES, buckets(200, factor), buckets(1800))


def past_latency(ticks: int = 200) -> MetricHistory:
    return MetricHistory({f"pod-{i}": [buckets(200) for _ in range(ticks)] for i in range(5)}, EDGES)


def mean_sample(mean: float, *, squares: bool = True) -> MeanSample:
    a, b = mean + 0.05 * RNG.standard_normal(), 1.0 + 0.015 * RNG.standard_normal()
    ssq = (100 * (a * a + 0.25), 1000 * (b * b + 0.25)) if squares else (None, None)
    return MeanSample(100, a, 1000, b, *ssq)


def begun(metric: MetricPlan, history: MetricHistory | None = None) -> judge.JudgeState:
    return judge.begin(plan(metric), {metric.name: history} if history else {}, START)


@pytest.mark.parametrize(
    ("factor", "outcome", "verdict"), [(1.0, Outcome.SAFE, "ProvenSafe"), (1.5, Outcome.HARM, "Harmful")]
)
@pytest.mark.parametrize("with_history", [True, False])
def test_latency_is_proven_safe_or_harmful(factor: float, outcome: Outcome, verdict: str, with_history: bool) -> None:
    state = begun(LATENCY, past_latency() if with_history else None)
    assessment = judge.assess(feed(state, 150, lambda _: histogram(factor), name="latency", weight=0.1))
    [report] = assessment.metrics
    assert (assessment.outcome, report.verdict) == (outcome, verdict)
    assert report.ratio == pytest.approx(factor, rel=0.05)
    assert report.nb > report.kb > 0


def test_latency_without_history_says_that_it_learns() -> None:
    assessment = judge.assess(feed(begun(LATENCY), 5, lambda _: histogram(9.0), name="latency"))
    assert assessment.outcome == Outcome.UNDECIDED
    assert "learns" in assessment.metrics[0].message


def test_a_latency_state_is_small_and_survives_a_restart_at_any_tick() -> None:
    kept = through = begun(LATENCY, past_latency())
    samples = [histogram(1.12) for _ in range(25)]
    for number, sample in enumerate(samples):
        kept = judge.observe(kept, window(number), {"latency": sample})
        text = judge.dump(through)
        through = judge.observe(judge.load(text), window(number), {"latency": sample})
        one, other = judge.assess(kept).metrics[0], judge.assess(through).metrics[0]
        assert one.verdict == other.verdict
        assert one.e_harm == pytest.approx(other.e_harm, rel=1e-3)
    assert len(text) < 2500
    learning = feed(begun(LATENCY), 3, lambda _: histogram(), name="latency")
    assert judge.dump(judge.load(judge.dump(learning))) == judge.dump(learning)


def test_the_prospect_of_a_proof_is_told() -> None:
    slow = judge.assess(feed(begun(LATENCY, past_latency()), 2, lambda _: histogram(1.25), name="latency")).metrics[0]
    assert 0 < (slow.seconds_to_harm or 0) < 600
    assert 0 < (slow.seconds_to_safe or 0) < 3600
    cost = judge.assess(feed(begun(COST), 31, lambda _: mean_sample(1.0), name="cost")).metrics[0]
    assert 0 < (cost.seconds_to_safe or 0) < 3600


ODD_HISTOGRAMS: dict[str, tuple[Sample, str]] = {
    "other edges": (HistogramSample((0.0, 0.05, 0.1, 0.25, 0.5, 2.0), buckets(200), buckets(1800)), "EdgesChanged"),
    "fewer edges": (HistogramSample((0.1, 0.5), (1, 2, 99), (99, 2, 1)), "EdgesChanged"),
    "edges descend": (HistogramSample((0.5, 0.1), (1, 2, 99), (99, 2, 1)), "EdgesChanged"),
    "buckets missing": (HistogramSample(EDGES, (1, 2), buckets(1800)), "EdgesChanged"),
    "thousands": (HistogramSample([i / 1e4 for i in range(5000)], [0.0] * 5001, [0.0] * 5001), "TooManyBuckets"),
    "negative": (HistogramSample(EDGES, [-1.0, *buckets(200)[1:]], buckets(1800)), "Negative"),
    "nan": (HistogramSample(EDGES, [NAN, *buckets(200)[1:]], buckets(1800)), "NotANumber"),
    "infinite edge": (HistogramSample((*EDGES[:-1], INF), buckets(200), buckets(1800)), "NotANumber"),
    "no traffic": (HistogramSample(EDGES, [0.0] * 7, [0.0] * 7), "NoTraffic"),
    "one arm": (HistogramSample(EDGES, [0.0] * 6 + [500.0], [0.0] * 7), "ArmEmpty"),
    "another kind": (CountSample(50, 50, 950, 0), "UnknownMetric"),
}


@pytest.mark.parametrize(("sample", "reason"), ODD_HISTOGRAMS.values(), ids=ODD_HISTOGRAMS)
def test_odd_histograms_change_no_evidence_and_never_decide(sample: Sample, reason: str) -> None:
    before = feed(begun(LATENCY, past_latency()), 2, lambda _: histogram(), name="latency")
    after = feed(before, 50, lambda _: sample, name="latency", first=2)
    assert judge.assess(after).outcome == Outcome.NO_DATA
    assert after.notes["latency"].reason == reason
    assert judge.assess(after).metrics[0].e_harm == judge.assess(before).metrics[0].e_harm


@pytest.mark.parametrize(
    "history",
    [
        MetricHistory({"p": [[1.0, 2.0]] * 300}, ()),
        MetricHistory({"p": [[1.0] * 5000] * 3}, [i / 1e4 for i in range(4999)]),
        MetricHistory({"p": [[0.0] * 7] * 300}, EDGES),
    ],
)
def test_a_history_that_cannot_be_used_is_learnt_anew(history: MetricHistory) -> None:
    state = feed(begun(LATENCY, history), 60, lambda _: histogram(2.0), name="latency")
    assert judge.assess(state).outcome == Outcome.HARM


@pytest.mark.parametrize(("mean", "outcome"), [(1.0, Outcome.SAFE), (1.4, Outcome.HARM)])
@pytest.mark.parametrize("squares", [True, False])
def test_a_mean_is_proven_safe_or_harmful(mean: float, outcome: Outcome, squares: bool) -> None:
    state = feed(begun(COST), 200, lambda _: mean_sample(mean, squares=squares), name="cost")
    assessment = judge.assess(state)
    assert assessment.outcome == outcome
    [report] = assessment.metrics
    assert report.ratio == pytest.approx(mean, rel=0.02)
    assert (report.low or 9) < (report.ratio or 0) < (report.high or 0)
    assert judge.assess(judge.load(judge.dump(state))).outcome == outcome
    assert assessment.upper_limit_below_margin == (outcome == Outcome.SAFE)


ODD_MEANS = {
    "nan": (MeanSample(100, NAN, 1000, 1.0), "NotANumber"),
    "negative count": (MeanSample(-1, 9.0, 1000, 1.0), "Negative"),
    "negative squares": (MeanSample(100, 9.0, 1000, 1.0, -1.0, 1.0), "Negative"),
    "one arm": (MeanSample(100, 9.0, 0, 0.0), "ArmEmpty"),
    "nothing": (MeanSample(0, 0.0, 0, 0.0), "NoTraffic"),
}


@pytest.mark.parametrize(("sample", "reason"), ODD_MEANS.values(), ids=ODD_MEANS)
def test_odd_means_never_decide(sample: Sample, reason: str) -> None:
    after = feed(begun(COST), 50, lambda _: sample, name="cost")
    assert judge.assess(after).outcome == Outcome.NO_DATA
    assert after.notes["cost"].reason == reason


LIMIT = MetricPlan("cost", "value", value_max=0.8, failure_limit=2)


@pytest.mark.parametrize(
    ("metric", "values", "outcome", "verdict"),
    [
        (LIMIT, [0.5], Outcome.UNDECIDED, "Passing"),
        (LIMIT, [0.5, 0.5, 0.8], Outcome.SAFE, "Passing"),
        (LIMIT, [0.9, 0.5, 0.5], Outcome.SAFE, "Passing"),
        (LIMIT, [0.5, 0.5, 0.9], Outcome.UNDECIDED, "Undecided"),
        (LIMIT, [0.9, 0.9], Outcome.UNDECIDED, "Undecided"),
        (LIMIT, [0.9, 0.5, 0.9, 0.5, 0.9], Outcome.CEILING, "Breached"),
        (MetricPlan("cost", "value", value_max=0.8, failure_limit=0), [0.9], Outcome.CEILING, "Breached"),
        (MetricPlan("cost", "value", value_min=10.0, failure_limit=0), [9.0], Outcome.CEILING, "Breached"),
        (MetricPlan("cost", "value", value_min=0.0, value_max=1.0, failure_limit=0), [0.5], Outcome.SAFE, "Passing"),
    ],
)
def test_thresholds_pass_fail_or_stay_open(metric: MetricPlan, values: Any, outcome: Outcome, verdict: str) -> None:
    state = feed(begun(metric), len(values), lambda n: ValueSample(values[n]), name="cost")
    assessment = judge.assess(state)
    assert (assessment.outcome, assessment.metrics[0].verdict) == (outcome, verdict)
    assert assessment.metrics[0].value == values[-1]
    assert judge.assess(judge.load(judge.dump(state))) == assessment


@pytest.mark.parametrize("odd", [ValueSample(NAN), ValueSample(INF), NoEvidence(NoEvidenceReason.QUERY_FAILED)])
def test_an_evaluation_without_a_number_counts_neither_way(odd: Sample) -> None:
    state = feed(begun(LIMIT), 3, lambda _: ValueSample(0.5), name="cost")
    blind = feed(state, 50, lambda _: odd, name="cost", first=3)
    assert judge.assess(blind).outcome == Outcome.NO_DATA
    assert judge.assess(feed(blind, 1, lambda _: ValueSample(0.5), name="cost", first=53)).outcome == Outcome.SAFE


def test_all_kinds_together() -> None:
    """Latency alone is harmful among four kinds: the proof names it."""
    metrics = (MetricPlan("errors", "count"), LATENCY, COST, MetricPlan("queue", "value", value_max=9.0))
    state = judge.begin(plan(*metrics), {"errors": quiet_history(), "latency": past_latency()}, START)
    for number in range(40):
        samples: dict[str, Sample] = {
            "errors": CountSample(200, 1, 1800, 9),
            "latency": histogram(1.5),
            "cost": mean_sample(1.0),
            "queue": ValueSample(3.0),
        }
        state = judge.observe(judge.load(judge.dump(state)), window(number), samples, weight=0.1)
    assessment = judge.assess(state)
    assert (assessment.outcome, assessment.blamed) == (Outcome.HARM, ("latency",))
    assert [m.name for m in assessment.metrics] == ["errors", "latency", "cost", "queue"]
