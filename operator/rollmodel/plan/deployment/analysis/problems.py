"""Why metrics cannot be read: a query that cannot be written, an answer that is missing or not what was asked for."""

from __future__ import annotations

from collections.abc import Iterator

from rollmodel.api import conditions
from rollmodel.errors import Invalid
from rollmodel.evidence import judge
from rollmodel.evidence.core.samples import NoEvidenceReason
from rollmodel.evidence.core.types import Assessment, Outcome
from rollmodel.evidence.verdict import seconds_without_data
from rollmodel.plan import naming
from rollmodel.plan.deployment.analysis.missing.lateness import asked_for
from rollmodel.plan.deployment.analysis.queries import query_of
from rollmodel.plan.deployment.analysis.signals.signal import MetricQuery
from rollmodel.plan.deployment.observed import Answer
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.problem import Problem

__all__ = ["is_at_step", "problems_at_last_tick", "removed_metrics", "unanswered", "window_problems", "wrong_queries"]

#: Reasons that only say that there is nothing to count, or not yet: a quiet night is not a broken metric.
_QUIET = {
    NoEvidenceReason.NO_TRAFFIC,
    NoEvidenceReason.ARM_EMPTY,
    NoEvidenceReason.NO_SERIES,
    NoEvidenceReason.GAP,
    NoEvidenceReason.LABELS_PENDING,
    NoEvidenceReason.NO_PAIRS,
    NoEvidenceReason.COPIES_ENDED,
}


def is_at_step(rollout: Rollout) -> bool:
    """Whether the candidate has begun its steps."""
    return rollout.candidate is not None and rollout.candidate.step is not None and rollout.candidate.step >= 0


def removed_metrics(rollout: Rollout, judge_state: judge.JudgeState | None) -> Iterator[Problem]:
    """Metrics that this rollout began with, and that the spec does not have any more."""
    known = {metric.name for metric in rollout.spec.analysis.metrics}
    for plan in judge_state.plan.metrics if judge_state is not None else ():
        if plan.name not in known:
            message = (
                f"metric '{plan.name}' was taken out, but this rollout began with it; `abort` and `retry` begin anew"
            )
            yield Problem("MetricRemoved", message)


def wrong_queries(rollout: Rollout, judge_state: judge.JudgeState | None) -> Iterator[Problem]:
    """Metrics whose query cannot even be written down; during a rollout those that it began with."""
    judged = None if judge_state is None else {metric.name for metric in judge_state.plan.metrics}
    for metric in rollout.spec.analysis.metrics:
        try:
            if judged is None or metric.name in judged:
                query_of(rollout.observed, metric, history=False)
        except Invalid as error:
            yield Problem.of(error)


def problems_at_last_tick(rollout: Rollout) -> Iterator[Problem]:
    """Between two ticks nothing is asked; what was wrong at the last tick is still wrong."""
    before = conditions.find(rollout.observed.status.conditions, "MetricsAvailable")
    if is_at_step(rollout) and before is not None and before.status == "False":
        yield Problem(before.reason, before.message)


def unanswered(rollout: Rollout, asked: dict[str, MetricQuery]) -> Iterator[Problem]:
    """Queries that Prometheus did not answer."""
    for name, query in asked.items():
        answer = rollout.observed.answers.get(name)
        if isinstance(answer, Problem):
            yield Problem(answer.reason, f"metric '{name}': {answer.message}; the query was: {query.query}")


def window_problems(
    rollout: Rollout, judge_state: judge.JudgeState, assessment: Assessment, asked: dict[str, MetricQuery]
) -> list[Problem]:
    """What the last window says beyond that there was no traffic, and queries that have given nothing for a while."""
    problems = [
        Problem(note.reason.value, f"metric '{name}': {note.message}")
        for name, note in judge_state.notes.items()
        if note.reason not in _QUIET
    ]
    silent = assessment.blamed if assessment.outcome is Outcome.NO_DATA else ()
    for name in silent:
        note = judge_state.notes.get(name)
        if note is not None and note.reason is NoEvidenceReason.NO_PAIRS and not seconds_without_data(judge_state):
            problems.append(Problem(note.reason.value, f"metric '{name}': {_no_pairs(rollout)}"))
        answer = asked_for(rollout.observed, name, asked[name]) if name in asked else None
        if isinstance(answer, Answer) and not answer.series:
            message = f"metric '{name}': the query gives no series at all; the query was: {asked[name].query}"
            problems.append(Problem("NoSeries", message))
    return problems


def _no_pairs(rollout: Rollout) -> str:
    service = naming.pairs(rollout.observed.name)
    return (
        "copies are answered, but none was paired with an answer of the stable revision. Do the candidate's pods reach"
        f" those behind the Service {service} (DNS, NetworkPolicy), on the same port? Has the candidate begun after the"
        " metric was written, as it is written now? Do both run `rollmodel serve` of this release?"
    )
