"""A pod that stands still for a moment: many dependent requests, all bad, are no proof."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.evidence import judge
from rollmodel.evidence.core.samples import CountSample, HistogramSample, Sample, Window
from rollmodel.evidence.core.types import JudgePlan, MetricHistory, MetricPlan, Outcome

START = 100_000.0
PLAIN = CountSample(40, 0, 120, 1)
SLOW = CountSample(40, 20, 120, 1)
KINDS: dict[str, tuple[MetricPlan, Sample, Sample]] = {
    "count": (MetricPlan("slow", "count"), PLAIN, SLOW),
    "ceiling": (MetricPlan("slow", "count", harm_ratio=50.0, ceiling=0.05), PLAIN, SLOW),
    "latency": (
        MetricPlan("slow", "latency"),
        HistogramSample((0.1, 0.5), (36, 4, 0), (108, 11, 1)),
        HistogramSample((0.1, 0.5), (0, 0, 40), (108, 11, 1)),
    ),
}


def begun(metric: MetricPlan, interval: float) -> judge.JudgeState:
    """With an hour's quiet history of two stable pods."""
    ticks = int(3600 / interval)
    row: Any = (54, 5.5, 0.5) if metric.kind == "latency" else (60, 0.5)
    past = MetricHistory({pod: [row] * ticks for pod in ("a", "b")}, (0.1, 0.5) if metric.kind == "latency" else ())
    plan = JudgePlan(metrics=(metric,), interval=interval, alpha_harm=0.01, candidate_share=0.25)
    return judge.begin(plan, {metric.name: past}, START)


def after(metric: MetricPlan, interval: float, samples: list[Sample]) -> Outcome:
    state = begun(metric, interval)
    for i, sample in enumerate(samples):
        window = Window(START + i * interval, START + (i + 1) * interval)
        state = judge.observe(state, window, {metric.name: sample})
    return judge.assess(state).outcome


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("interval", "windows"), [(1.0, 5), (2.0, 3)])
def test_what_is_over_within_five_seconds_is_no_proof(kind: str, interval: float, windows: int) -> None:
    metric, plain, slow = KINDS[kind]
    assert after(metric, interval, [slow] * windows + [plain] * 20) not in (Outcome.HARM, Outcome.CEILING)


@pytest.mark.parametrize("kind", KINDS)
def test_what_lasts_is_found_soon_after(kind: str) -> None:
    metric, _, slow = KINDS[kind]
    assert after(metric, 2.0, [slow] * 6) in (Outcome.HARM, Outcome.CEILING)
