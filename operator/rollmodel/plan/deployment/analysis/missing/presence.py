"""Whether the stable revision can be measured at all; before that no candidate gets traffic.

No series at all is something else than no requests (counters that stand at 0), and than a fresh start, whose first
samples are on their way. Why there are none is read from ``up``, which Prometheus writes for each target with the
target's own labels: it is asked once a query of a preset has given nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rollmodel.api import conditions
from rollmodel.plan import naming
from rollmodel.plan.deployment.analysis.promql import OWNER_LABEL, REVISION_LABEL
from rollmodel.plan.deployment.analysis.signals.signal import MetricQuery
from rollmodel.plan.deployment.observed import Answer, Observed
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.problem import Problem

__all__ = [
    "NOT_SCRAPED",
    "NO_SERIES",
    "TARGETS",
    "asks_targets",
    "missing_series",
    "targets",
    "waits_for_first_samples",
]

NO_SERIES, NOT_SCRAPED = "NoSeries", "NotScraped"
#: The key of the question about targets; no metric can have this name.
TARGETS = "{targets}"

#: A stable revision that serves for less than this, in seconds, may still have its first samples on their way.
_FRESH_SECONDS = 120.0
_SHOWN = 3


def asks_targets(observed: Observed) -> bool:
    """Whether a query about the past gave no series in the pass before."""
    before = conditions.find(observed.status.conditions, "MetricsAvailable")
    return before is not None and before.reason in {NO_SERIES, NOT_SCRAPED}


def targets(observed: Observed) -> str:
    """PromQL for the scrapes of the stable revision's pods, whatever other labels they have."""
    pods = naming.child(observed.name, observed.status.stable.revision if observed.status.stable else "")
    cluster = observed.defaults.prometheus_matchers
    matchers = [*([cluster] if cluster else []), f'namespace="{observed.namespace}"', f'pod=~"{pods}-.+"']
    return f"up{{{','.join(matchers)}}}"


def missing_series(rollout: Rollout, asked: Mapping[str, MetricQuery]) -> Iterator[Problem]:
    """The metrics that have no series of the stable revision, though its pods are ready; only before the first step."""
    stable, candidate = rollout.stable, rollout.candidate
    if stable is None or not stable.ready_replicas or candidate is None or candidate.step != -1:
        return
    for metric in rollout.spec.analysis.metrics:
        answer = rollout.observed.answers.get(metric.name)
        if metric.name not in asked or not isinstance(answer, Answer) or answer.series:
            continue
        reason, why = _why(rollout) if metric.preset is not None else (NO_SERIES, _LOOK_AT_QUERY)
        query = asked[metric.name].query
        message = f"metric '{metric.name}' has no series of {rollout.label(stable.revision)}: {why}"
        yield Problem(reason, f"{message}; the query was: {query}")


def waits_for_first_samples(rollout: Rollout) -> bool:
    """Whether the stable revision serves for so short a time that no series is nothing odd."""
    stable = rollout.stable
    since = None if stable is None else stable.weight_since or stable.started
    fresh = _FRESH_SECONDS + rollout.observed.defaults.prometheus_delay_seconds
    return since is not None and rollout.seconds_since(since) < fresh


_LOOK_AT_QUERY = "has it counted anything yet, and is the query right?"


def _why(rollout: Rollout) -> tuple[str, str]:
    """A reason for programs, and what to look at, as the targets tell."""
    found = rollout.observed.answers.get(TARGETS)
    if not isinstance(found, Answer):
        return NO_SERIES, "are its pods scraped, with their labels?"
    if not found.series:
        return NOT_SCRAPED, _unknown(rollout)
    labels = [labels for labels, _ in found.series]
    missing = [name for name in (OWNER_LABEL, REVISION_LABEL) if not any(name in one for one in labels)]
    if missing:
        without = " and ".join(f"`{name}`" for name in missing)
        return NOT_SCRAPED, f"its pods are scraped without {without}: `podTargetLabels` of a PodMonitor, or a labelmap"
    up = [one for one, points in found.series if points and points[-1][1]]
    if not up:
        pods = ", ".join(sorted(one.get("pod", "") for one in labels)[:_SHOWN])
        return NOT_SCRAPED, f"Prometheus cannot read the metrics of {pods} (`up` is 0): are port and path right?"
    return NO_SERIES, "its pods are scraped; have they answered a request yet, and is the port the one with metrics?"


def _unknown(rollout: Rollout) -> str:
    assert rollout.stable is not None  # noqa: S101 - callers have seen it
    pods = naming.child(rollout.observed.name, rollout.stable.revision)
    where = f"namespace {rollout.observed.namespace}"
    if rollout.observed.defaults.prometheus_matchers:
        where += f" with {rollout.observed.defaults.prometheus_matchers} (ROLLMODEL_PROMETHEUS_MATCHERS)"
    return (
        f"Prometheus has no target {pods}-* in {where}: does a PodMonitor, or a scrape configuration, select its pods?"
    )
