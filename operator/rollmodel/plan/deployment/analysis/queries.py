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
from rollmodel.evidence import counted, judge
from rollmodel.plan.access.user_queries import check_bound
from rollmodel.plan.deployment.analysis import budget
from rollmodel.plan.deployment.analysis.missing.lateness import LOOK_BACK, looks_back
from rollmodel.plan.deployment.analysis.missing.presence import TARGETS, asks_targets, targets
from rollmodel.plan.deployment.analysis.promql import scope
from rollmodel.plan.deployment.analysis.signals import promql, signal_of
from rollmodel.plan.deployment.analysis.signals.signal import MetricQuery
from rollmodel.plan.deployment.observed import Observed
from rollmodel.plan.deployment.strategies.baseline.compared import compared
from rollmodel.plan.deployment.strategies.table import strategy_for
from rollmodel.plan.times import parse

__all__ = ["asks_history", "is_about_candidate", "load_judge", "past_part", "queries", "query_of"]


def queries(observed: Observed) -> dict[str, MetricQuery]:
    """By name of the metric, or ``TARGETS``. A metric whose query cannot be made is left out; the verdict says why.

    A rollout is judged by the metrics that it began with, in the words that the spec has for them now.
    """
    if observed.status.candidate is None or observed.status.stable is None:
        return {}
    if asks_history(observed):
        past = dict(_past(observed))
        return past | (_targets(observed) if past and asks_targets(observed) else {})
    judge_state = _state(observed)
    ticks = _tick_grid(observed, judge_state) if judge_state is not None else None
    if judge_state is None or ticks is None:
        return {}
    judged = {metric.name for metric in judge_state.plan.metrics}
    texts = _texts(observed, history=False)
    asked = {metric.name: MetricQuery(text, *ticks) for metric, text in texts if metric.name in judged}
    return _looking_back(observed, judge_state, asked) if looks_back(observed, judge_state) else asked


def _looking_back(
    observed: Observed, judge_state: judge.JudgeState, asked: dict[str, MetricQuery]
) -> dict[str, MetricQuery]:
    """One metric from longer ago on: the one whose requests the judge remembers, else the first counters."""
    remembered = counted.metric_of(judge_state.plan)
    for metric in sorted(observed.spec.analysis.metrics, key=lambda metric: metric.name != remembered):
        if metric.name in asked and signal_of(metric).learns_from_history:
            query = asked[metric.name]
            series = _pods(observed) * signal_of(metric).series_per_pod
            before = budget.look_back_ticks(series, LOOK_BACK / query.step) * query.step
            return asked | {metric.name: replace(query, before=before)}
    return asked


def _targets(observed: Observed) -> dict[str, MetricQuery]:
    """Which pods are scraped now."""
    step = float(observed.spec.analysis.interval_seconds)
    return {TARGETS: MetricQuery(targets(observed), end := _newest(observed, step), end, step)}


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
    beside = None if history else observed.status.baseline
    found = compared(strategy_for(observed.spec), stable, candidate, beside) if stable and candidate else None
    words = scope(
        observed.namespace,
        observed.name,
        stable=found.stable if found else stable.revision if stable else "",
        candidate=found.candidate if found and not history else None,
        interval_seconds=observed.spec.analysis.interval_seconds,
        cluster=observed.defaults.prometheus_matchers,
        pods=_some_pods(observed, metric) if history else None,
    )
    query = promql(metric, observed.spec.runtime, words)
    if observed.defaults.bound_queries and metric.preset is None and metric.paired is None:
        check_bound(metric.name, query, observed.namespace)
    return query


def is_about_candidate(observed: Observed, metric: Metric) -> bool:
    """Whether the query names the candidate, so that it may have no series before the candidate has traffic."""
    return query_of(observed, metric, history=True) != query_of(observed, metric, history=False)


def past_part(observed: Observed, metric: Metric) -> float:
    """The share of the stable pods whose past is asked for."""
    return budget.pods_part(_some_pods(observed, metric))


def _some_pods(observed: Observed, metric: Metric) -> str | None:
    """A matcher for some of the pods, where the past of all is too much. Queries of users may have other labels."""
    stable = observed.status.stable
    if stable is None or metric.preset is None:
        return None
    step = float(observed.spec.analysis.interval_seconds)
    return budget.pods_matcher(stable.replicas, signal_of(metric).series_per_pod, step)


def _texts(observed: Observed, *, history: bool) -> Iterator[tuple[Metric, str]]:
    for metric in observed.spec.analysis.metrics:
        try:
            past = history and signal_of(metric).learns_from_history
            yield metric, query_of(observed, metric, history=past)
        except Invalid:
            continue


def _state(observed: Observed) -> judge.JudgeState | None:
    return load_judge(observed.status.judge) if observed.status.judge else None


def _newest(observed: Observed, step: float, later: float = 0.0) -> float:
    """The last multiple of the interval whose samples have arrived; ``later``: seconds to wait beyond the setting."""
    moment = observed.now.timestamp() - observed.defaults.prometheus_delay_seconds - later
    return math.floor(moment / step) * step


def _past(observed: Observed) -> Iterator[tuple[str, MetricQuery]]:
    """By metric, the stable revision's past: as much of it as an answer may hold. A plain value is asked for once, so
    that a query that makes no sense is told before anybody meets the candidate.
    """
    step = float(observed.spec.analysis.interval_seconds)
    end, pods = _newest(observed, step), observed.status.stable.replicas if observed.status.stable else 0
    for metric, text in _texts(observed, history=True):
        series = pods * signal_of(metric).series_per_pod
        ticks = budget.history_ticks(series, step) if signal_of(metric).learns_from_history else 1
        yield metric.name, MetricQuery(text, end - ticks * step, end, step)


def _pods(observed: Observed) -> int:
    """The pods of both revisions."""
    return sum(arm.replicas for arm in (observed.status.stable, observed.status.candidate) if arm is not None)


def _tick_grid(observed: Observed, judge_state: judge.JudgeState) -> tuple[float, float, float] | None:
    """From the end of the last window on, in the interval that the rollout began with; None while no window is over."""
    candidate = observed.status.candidate
    if candidate is None or candidate.step is None or candidate.step < 0:
        return None
    step = judge_state.plan.interval
    seldom = step > observed.spec.analysis.interval_seconds  # a pod's last sample may still be on its way
    end = _newest(observed, step, later=step / 2 if seldom else 0.0)
    most = max((signal_of(metric).series_per_pod for metric in observed.spec.analysis.metrics), default=0)
    start = max(judge_state.end, end - budget.most_windows(_pods(observed) * most) * step)
    return (start, end, step) if end > start else None
