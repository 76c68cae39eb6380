"""What is asked of Prometheus, and when: one query for the profile and one for the counts, at each look."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from rollmodel.api.driftpolicy import DriftPolicySpec, MetricsSource
from rollmodel.plan.deployment.analysis.promql import scope
from rollmodel.plan.drift.evaluation.watches import steps_back, unsupported
from rollmodel.plan.drift.observed import Observed
from rollmodel.plan.times import parse

__all__ = ["Query", "counts_query", "delay_of", "is_due", "look_at", "profile_query", "span", "step_of"]

_BY = "signal, le, category, group"


@dataclass(frozen=True, slots=True)
class Query:
    """A range query; times in unix seconds."""

    text: str
    start: float
    end: float
    step: float


def step_of(spec: DriftPolicySpec) -> int:
    """The step in seconds."""
    if spec.source.counts is not None:
        return spec.source.counts.step_seconds
    return (spec.source.metrics or MetricsSource()).step_seconds


def look_at(observed: Observed) -> float:
    """The last multiple of the step whose samples have arrived."""
    step = step_of(observed.spec)
    return math.floor((observed.now.timestamp() - delay_of(observed)) / step) * step


def delay_of(observed: Observed) -> float:
    """How long after its end a step is known, in seconds."""
    counts = observed.spec.source.counts
    return observed.defaults.prometheus_delay_seconds if counts is None else float(counts.delay_seconds)


def is_due(observed: Observed) -> bool:
    """Whether there is something new to look at: a step is over, or another revision is stable."""
    status = observed.status
    if observed.spec.suspend is not None or observed.revision is None or unsupported(observed.spec):
        return False
    if status.profile is None or status.profile.revision != observed.revision or status.last_evaluation_time is None:
        return True
    return parse(status.last_evaluation_time).timestamp() < look_at(observed)


def span(spec: DriftPolicySpec) -> float:
    """Seconds of counts that are needed: the longest window, twice the quiet windows, since some are too small, and the
    past that windows are compared with.
    """
    quiet = 2 * spec.dependence.quiet_windows * step_of(spec)
    return float(max(*spec.windows, quiet, steps_back(spec) * step_of(spec)))


def profile_query(observed: Observed, revision: str | None = None) -> Query:
    """The profile of this revision; default: of the one that is watched."""
    select, end = _selector(observed, revision), look_at(observed)
    parts = {
        "rows": f"max by ({_BY}) (rollmodel_profile_rows{{{select}}})",
        "info": f"max by (digest) (rollmodel_profile_info{{{select}}})",
        "problem": f"max by (reason) (rollmodel_profile_problem{{{select}}})",
        "importance": f"max by (signal) (rollmodel_profile_importance{{{select}}})",
        "positives": f"max by (signal, le) (rollmodel_profile_positives{{{select}}})",
        "threshold": f"max by (signal) (rollmodel_profile_threshold{{{select}}})",
        "hours": f"max by (hours) (rollmodel_profile_hours{{{select}}})",
        "rhythm_group": f"max by ({_BY}) (rollmodel_profile_rhythm_group{{{select}}})",
        "rhythm": f"max by (signal, first, counts) (rollmodel_profile_rhythm{{{select}}})",
    }
    return Query(_told_apart("what", parts), end, end, float(step_of(observed.spec)))


def counts_query(observed: Observed, after: float, revision: str | None = None) -> Query:
    """The counts of each step that ends after ``after``, of this revision; default: of the one that is watched."""
    step, end = step_of(observed.spec), look_at(observed)
    select = _selector(observed, revision)

    def increase(metric: str, by: str) -> str:
        return f"sum by ({by}) (increase({metric}{{{select}}}[{step}s]))"

    requests = f'label_replace({increase("rollmodel_server_requests_total", "")}, "group", "requests", "", "")'
    text = " or ".join(
        (
            increase("rollmodel_signal_value_bucket", "signal, le"),
            increase("rollmodel_signal_category_rows_total", "signal, category"),
            increase("rollmodel_signal_group_rows_total", "signal, group"),
            requests,
        )
    )
    return Query(text, min(end, after + step), end, float(step))


def _selector(observed: Observed, revision: str | None) -> str:
    target = observed.spec.model_deployment_ref.name
    step = step_of(observed.spec)
    words = scope(
        observed.namespace,
        target,
        stable=revision or observed.revision or "",
        candidate=None,
        interval_seconds=step,
        cluster=observed.defaults.prometheus_matchers,
    )
    return words["selector"]


def _told_apart(label: str, parts: Mapping[str, str]) -> str:
    return " or ".join(f'label_replace({text}, "{label}", "{name}", "", "")' for name, text in parts.items())
