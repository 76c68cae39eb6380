"""A past or present rollout read back from Prometheus and judged again, window by window.

The queries, the reading of their answers and the judge are the operator's own; only the clock is ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from rollmodel.api.modeldeployment import Metric, ModelDeploymentSpec
from rollmodel.cli.backtest.steps import SAMPLES_LATE
from rollmodel.errors import Invalid, Untrustworthy
from rollmodel.evidence import judge
from rollmodel.evidence.core.arrays import Array, Mask
from rollmodel.evidence.core.samples import Sample, Window
from rollmodel.evidence.core.types import Assessment, JudgePlan, MetricHistory, Outcome
from rollmodel.evidence.expected_harm import expected_harm
from rollmodel.plan.deployment.analysis.policy import compared_part
from rollmodel.plan.deployment.analysis.promql import scope
from rollmodel.plan.deployment.analysis.samples import aligned, past, sampled
from rollmodel.plan.deployment.analysis.signals import promql, signal_of
from rollmodel.plan.deployment.analysis.signals.signal import Arms, MetricQuery, Sampled, UnexpectedAnswer
from rollmodel.plan.deployment.observed import Answer
from rollmodel.ports.prometheus import Metrics

__all__ = ["Moment", "Pair", "Recording", "read"]

#: How much of the stable arm's past is read, in seconds, and the most points that Prometheus gives for a series.
HISTORY_SECONDS, MOST_POINTS = 3 * 3600, 11_000

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Pair:
    """The revisions of a ModelDeployment that were compared: with a baseline that one, over the past of stable."""

    namespace: str
    name: str
    stable: str
    candidate: str
    baseline: str | None = None

    def beside(self, *, history: bool) -> str:
        """The revision that the candidate is compared with, or whose past is read."""
        return self.stable if history or self.baseline is None else self.baseline

    def arms(self, *, history: bool) -> dict[str, str]:
        """Revision to arm."""
        return {self.beside(history=history): "stable", self.candidate: "candidate"}


@dataclass(frozen=True, slots=True)
class Moment:
    """The judge's opinion after a window. ``share`` is the candidate's part of the requests, None without requests."""

    window: Window
    assessment: Assessment
    share: float | None


class Recording:
    """One rollout's windows with its judge; :class:`rollmodel.cli.backtest.steps.Judges` for a single rollout."""

    def __init__(
        self, pair: Pair, state: judge.JudgeState, windows: Sequence[tuple[Window, Mapping[str, Sample]]]
    ) -> None:
        self.names, self.interval = [f"{pair.name}/{pair.candidate}"], state.plan.interval
        self.delay = max((metric.delay for metric in state.plan.metrics), default=0.0)
        self.moments: list[Moment] = []
        self._state, self._begin, self._left = state, state.begun, list(windows)
        self._requests = (0.0, 0.0)

    def observe(self, active: Mask) -> float | None:
        """Judge the next window."""
        if not self._left or not active.any():
            return None
        window, samples = self._left.pop(0)
        self._state = judge.observe(self._state, window, samples)
        self._requests = max((sample.requests for sample in samples.values()), key=sum, default=(0.0, 0.0))
        total = sum(self._requests)
        share = self._requests[0] / total if total else None
        self.moments.append(Moment(window, judge.assess(self._state), share))
        return window.end - self._begin

    def play(self) -> Sequence[Moment]:
        """All moments, to the end."""
        while self.observe(np.array([True])) is not None:
            pass
        return self.moments

    def outcomes(self) -> Sequence[Outcome]:
        """What the judge says now."""
        return [self.moments[-1].assessment.outcome if self.moments else Outcome.NO_DATA]

    def requests(self) -> Array:
        """Requests of both arms in the last window."""
        return np.array(self._requests)[:, None]

    def over(self) -> Mask:
        """Whether there are no more windows."""
        return np.array([not self._left])

    def below_margin(self, run: int) -> bool:
        """Whether all intervals lie below the safe margin."""
        return self.moments[-1].assessment.upper_limit_below_margin if self.moments and run == 0 else False

    def harm(self, run: int, share: float) -> float:
        """By all metrics."""
        reports = self.moments[-1].assessment.metrics if self.moments and run == 0 else ()
        return expected_harm(self._state.plan, reports, share=share, late=SAMPLES_LATE)

    def seen(self, run: int) -> str:
        """The judge's own words."""
        return self.moments[-1].assessment.message if self.moments and run == 0 else "no complete window"


async def read(
    spec: ModelDeploymentSpec,
    plan: JudgePlan,
    pair: Pair,
    metrics: Metrics,
    *,
    start: float,
    end: float,
    cluster: str = "",
) -> Recording:
    """Ask for all metrics of the plan from ``start`` to ``end`` (unix seconds), and for the past of the stable arm.

    ``cluster``: matchers that are part of every query.

    Raises Invalid, Untrustworthy, and what ``metrics`` raises.
    """
    step = plan.interval
    start, end = (math.floor(moment / step) * step for moment in (start, end))
    if not 0 < (end - start) / step <= MOST_POINTS:
        raise Invalid(f"the end must be after the start, and at most {MOST_POINTS * step / 3600:.0f} hours after it")
    judged = {metric.name for metric in plan.metrics}
    histories: dict[str, MetricHistory] = {}
    samples: dict[str, Sampled] = {}
    before = min(HISTORY_SECONDS, MOST_POINTS * step)
    part = 1.0 if pair.baseline is None else 1 / compared_part(spec)
    for metric in (m for m in spec.analysis.metrics if m.name in judged):
        if signal_of(metric).learns_from_history:
            query = MetricQuery(_text(spec, pair, metric, cluster, history=True), start - before, start, step)
            history = await _answered(past, metric, query, pair.arms(history=True), metrics)
            histories[metric.name] = replace(history, part=part)
        query = MetricQuery(_text(spec, pair, metric, cluster, history=False), start, end, step)
        samples[metric.name] = await _answered(sampled, metric, query, pair.arms(history=False), metrics)
    return Recording(pair, judge.begin(plan, histories, start), aligned(samples))


def _text(spec: ModelDeploymentSpec, pair: Pair, metric: Metric, cluster: str, *, history: bool) -> str:
    words = scope(
        pair.namespace,
        pair.name,
        stable=pair.beside(history=history),
        candidate=None if history else pair.candidate,
        interval_seconds=spec.analysis.interval_seconds,
        cluster=cluster,
    )
    return promql(metric, spec.runtime, words)


async def _answered(
    reading: Callable[[Metric, Answer, MetricQuery, Arms], Read],
    metric: Metric,
    query: MetricQuery,
    arms: Arms,
    metrics: Metrics,
) -> Read:
    """One query, its answer read by the operator's own function."""
    series = await metrics.query_range(query.query, start=query.start, end=query.end, step=query.step)
    try:
        return reading(metric, Answer([(one.labels, one.points) for one in series]), query, arms)
    except UnexpectedAnswer as error:
        raise Untrustworthy(f"metric '{metric.name}': {error}; the query was: {query.query}") from error
