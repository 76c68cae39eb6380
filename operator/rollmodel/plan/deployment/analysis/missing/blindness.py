"""Whether the metrics can be read, as ``MetricsAvailable`` says it, and since when they cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from rollmodel.api import conditions
from rollmodel.evidence import judge
from rollmodel.evidence.core.samples import NoEvidenceReason
from rollmodel.evidence.core.types import Assessment, Outcome
from rollmodel.plan.deployment.analysis.missing.arrival import LONGEST_WAIT
from rollmodel.plan.deployment.analysis.missing.lateness import NO_TRAFFIC
from rollmodel.plan.deployment.analysis.result import AnalysisResult
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.problem import Problem
from rollmodel.plan.times import parse, stamp

__all__ = ["answered", "blind_or", "readable", "with_blind_time_added"]

_ANSWERED = AnalysisResult("True", "Answered", "the metrics can be read")


def readable(rollout: Rollout, judge_state: judge.JudgeState, assessment: Assessment) -> AnalysisResult:
    """The metrics can be read, also where nothing is counted."""
    if assessment.outcome is not Outcome.NO_DATA:
        return answered(rollout, judge_state)
    if any(note.reason is not NoEvidenceReason.NO_TRAFFIC for note in judge_state.notes.values()):
        return AnalysisResult("True", NO_TRAFFIC, assessment.message)
    late = (
        f"if there is traffic, samples come more than {LONGEST_WAIT:.0f} s late:"
        " set ROLLMODEL_PROMETHEUS_DELAY_SECONDS to how late they are"
    )
    return AnalysisResult("True", NO_TRAFFIC, f"{assessment.message}; {late}")


def answered(rollout: Rollout, judge_state: judge.JudgeState) -> AnalysisResult:
    """The metrics can be read; the windows are told where they are longer than the spec's."""
    wanted, interval = rollout.spec.analysis.interval_seconds, judge_state.plan.interval
    if interval <= wanted:
        return _ANSWERED
    message = f"{_ANSWERED.message}; samples come less often than every {wanted} s: windows of {interval:.0f} s"
    return replace(_ANSWERED, message=message)


def blind_or(rollout: Rollout, problems: Sequence[Problem], otherwise: AnalysisResult) -> AnalysisResult:
    """Blind while there is a problem; the condition says since when. Otherwise the other result."""
    if not problems:
        return otherwise
    before = conditions.find(rollout.observed.status.conditions, "MetricsAvailable")
    since = parse(before.last_transition_time) if before is not None and before.status == "False" else rollout.now
    candidate = rollout.observed.status.candidate
    if candidate is not None and candidate.started is not None:
        since = max(since, parse(candidate.started))
    worst = problems[0]
    return replace(otherwise, status="False", reason=worst.reason, message=worst.message, blind_since=since)


def with_blind_time_added(rollout: Rollout, analysis: AnalysisResult) -> Rollout:
    """Time in which metrics could not be read does not count: the step's clock goes on where it stood."""
    before = conditions.find(rollout.observed.status.conditions, "MetricsAvailable")
    candidate = rollout.candidate
    returned = before is not None and before.status == "False" and analysis.status != "False"
    if before is None or not returned or candidate is None or candidate.since is None:
        return rollout
    begun = parse(candidate.since)
    blind = rollout.now - max(begun, parse(before.last_transition_time))
    return rollout.with_candidate(since=stamp(begun + max(blind, timedelta(0))))
