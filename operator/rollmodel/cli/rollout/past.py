"""The past of a rollout, read again from Prometheus and judged as the operator judged it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from rollmodel.api.modeldeployment import ModelDeploymentStatus
from rollmodel.cli.backtest.recording import Moment, Pair, Recording, read
from rollmodel.cli.common.manifest import sound, spec_of
from rollmodel.cli.common.printing.rows import status_of
from rollmodel.cli.rollout import report
from rollmodel.errors import Invalid
from rollmodel.evidence import judge
from rollmodel.evidence.core.types import JudgePlan
from rollmodel.plan.deployment.analysis.policy import judge_plan
from rollmodel.ports.prometheus import Metrics

__all__ = ["Span", "as_it_ended", "recorded", "span"]


class Span(NamedTuple):
    """What is read again: whose requests, from when to when (unix seconds), and how they are judged."""

    plan: JudgePlan
    stable: str
    candidate: str
    start: float
    end: float
    baseline: str | None = None


def span(manifest: Mapping[str, Any], now: datetime) -> Span:
    """The rollout that goes on, or the last one that was judged. Raises Invalid where there is none."""
    status = status_of(ModelDeploymentStatus, manifest)
    return _going_on(status, now) or _ended(status, manifest)


async def recorded(manifest: Mapping[str, Any], wanted: Span, metrics: Metrics, matchers: str) -> Recording:
    """Its windows, still to be judged. ``matchers``: in every query. Raises Invalid, and what ``metrics`` raises."""
    meta = manifest["metadata"]
    pair = Pair(meta["namespace"], meta["name"], wanted.stable, wanted.candidate, wanted.baseline)
    spec = spec_of(manifest)
    return await read(spec, wanted.plan, pair, metrics, start=wanted.start, end=wanted.end, cluster=matchers)


def as_it_ended(found: report.Report, moments: Sequence[Moment], manifest: Mapping[str, Any]) -> report.Report:
    """With the numbers of the last window, where the status has only lines about what has ended."""
    if not moments or any(metric.report is not None for metric in found.metrics):
        return found
    plan = sound(judge_plan(spec_of(manifest)))
    return replace(found, metrics=report.views(plan, moments[-1].assessment))


def _going_on(status: ModelDeploymentStatus, now: datetime) -> Span | None:
    """The rollout that goes on, as its judge remembers it. Raises Invalid."""
    if not (status.judge and status.candidate and status.stable):
        return None
    try:
        state = judge.load(status.judge)
    except judge.StateError as error:
        raise Invalid(str(error)) from error
    end = min(now.timestamp(), state.end) if state.ticks else now.timestamp()
    beside = status.baseline.revision if status.baseline else None
    return Span(state.plan, status.stable.revision, status.candidate.revision, state.begun, end, beside)


def _ended(status: ModelDeploymentStatus, manifest: Mapping[str, Any]) -> Span:
    """The last rollout in the history that was judged, with the policy of the spec as it is now. Raises Invalid."""
    for entry in reversed(status.history):
        if entry.begun and entry.from_revision:
            plan = sound(judge_plan(spec_of(manifest)))
            start, end = (datetime.fromisoformat(moment).timestamp() for moment in (entry.begun, entry.time))
            return Span(plan, entry.from_revision, entry.to_revision, start, end, entry.baseline)
    raise Invalid("neither is a rollout judged now, nor does the history have one whose past could be read")
