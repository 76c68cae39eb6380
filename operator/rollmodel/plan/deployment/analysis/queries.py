"""What must be asked of Prometheus in this pass: nothing at rest, the past of the stable arm at the start of a
rollout, and then at each tick what happened since the judge's last window. One query per metric, both arms in one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from rollmodel.api.modeldeployment import Metric
from rollmodel.errors import Invalid
from rollmodel.evidence import judge
from rollmodel.plan.deployment.analysis.lateness import LOOK_BACK, looks_back
from rollmodel.plan.deployment.analysis.presence import TARGETS, asks_targets, targets
from rollmodel.plan.deployment.analysis.promql import scope
from rollmodel.plan.deployment.analysis.signals import promql, signal_of
from rollmodel.plan.deployment.analysis.signals.signal import MetricQuery
from rollmodel.plan.deployment.observed import Observed
from rollmodel.plan.deployment.strategies.strategy import strategy_for
from rollmodel.plan.times import parse

__all__ = ["MOST_WINDOWS", "asks_history", "load_judge", "queries", "query_of"]

#: Windows that are made up for at most after a break; older ones are dropped.
MOST_WINDOWS = 30

_HISTORY_SECONDS = 3 * 3600
_HISTORY_POINTS = 1080


def queries(observed: Observed) -> dict[str, MetricQuery]:
    """By name of the metric, or ``TARGETS``. A metric whose query cannot be made is left out; the verdict says why.

    A rollout is judged by the metrics that it began with, in the words that the spec has for them now.
    """
    if observed.status.candidate is None or observed.status.stable is None:
        return {}
    if asks_history(observed):
        grid = _history_grid(observed)
        asked = {metric.name: MetricQuery(text, *grid) for metric, text in _texts(observed, history=True)}
        return asked | (_targets(observed, *grid) if asked and asks_targets(observed) else {})
    judge_state, ticks = _state(observed), _tick_grid(observed)
    if judge_state is None or ticks is None:
        return {}
    judged = {metric.name for metric in judge_state.plan.metrics}
    texts = _texts(observed, history=False)
    asked = {metric.name: MetricQuery(text, *ticks) for metric, text in texts if metric.name in judged}
    return _looking_back(observed, asked) if looks_back(observed) else asked


def _looking_back(observed: Observed, asked: dict[str, MetricQuery]) -> dict[str, MetricQuery]:
    """The first counters from longer ago on."""
    for metric in observed.spec.analysis.metrics:
        if metric.name in asked and signal_of(metric).learns_from_history:
            query = asked[metric.name]
            before = math.floor(LOOK_BACK / query.step) * query.step
            return asked | {metric.name: replace(query, before=before)}
    return asked


def _targets(observed: Observed, _: float, end: float, step: float) -> dict[str, MetricQuery]:
    """Which pods are scraped now."""
    return {TARGETS: MetricQuery(targets(observed), end, end, step)}


@lru_cache(maxsize=64)
def load_judge(text: str) -> judge.JudgeState | None:
    """The judge that status keeps; None where it was written by another version. Read several times in a pass."""
    try:
        return judge.load(text)
    except judge.StateError:
        return None


def asks_history(observed: Observed) -> bool:
    """Whether the judge has still to begin: the candidate is warm, or its judge cannot be read (another version)."""
    candidate = observed.status.candidate
    if candidate is None or candidate.step is None or _state(observed) is not None:
        return False
    if candidate.step >= 0:
        return True
    warm = observed.spec.rollout.warm_up_seconds
    return candidate.ready_since is not None and (observed.now - parse(candidate.ready_since)).total_seconds() >= warm


def query_of(observed: Observed, metric: Metric, *, history: bool) -> str:
    """The PromQL of a metric. Raises Invalid."""
    stable, candidate = observed.status.stable, observed.status.candidate
    compared = strategy_for(observed.spec).comparison(stable, candidate) if stable and candidate else None
    words = scope(
        observed.namespace,
        observed.name,
        stable=compared.stable if compared else stable.revision if stable else "",
        candidate=compared.candidate if compared and not history else None,
        interval_seconds=observed.spec.analysis.interval_seconds,
        cluster=observed.defaults.prometheus_matchers,
    )
    return promql(metric, observed.spec.runtime, words)


def _texts(observed: Observed, *, history: bool) -> Iterator[tuple[Metric, str]]:
    for metric in observed.spec.analysis.metrics:
        try:
            if history and not signal_of(metric).learns_from_history:
                continue
            yield metric, query_of(observed, metric, history=history)
        except Invalid:
            continue


def _state(observed: Observed) -> judge.JudgeState | None:
    return load_judge(observed.status.judge) if observed.status.judge else None


def _newest(observed: Observed, step: float, later: float = 0.0) -> float:
    """The last multiple of the interval whose samples have arrived; ``later``: seconds to wait beyond the setting."""
    moment = observed.now.timestamp() - observed.defaults.prometheus_delay_seconds - later
    return math.floor(moment / step) * step


def _history_grid(observed: Observed) -> tuple[float, float, float]:
    step = float(observed.spec.analysis.interval_seconds)
    end = _newest(observed, step)
    return end - min(_HISTORY_POINTS, _HISTORY_SECONDS // int(step)) * step, end, step


def _tick_grid(observed: Observed) -> tuple[float, float, float] | None:
    """From the end of the last window on, in the interval that the rollout began with; None while no window is over."""
    judge_state, candidate = _state(observed), observed.status.candidate
    if judge_state is None or candidate is None or candidate.step is None or candidate.step < 0:
        return None
    step = judge_state.plan.interval
    seldom = step > observed.spec.analysis.interval_seconds  # a pod's last sample may still be on its way
    end = _newest(observed, step, later=step / 2 if seldom else 0.0)
    start = max(judge_state.end, end - MOST_WINDOWS * step)
    return (start, end, step) if end > start else None
