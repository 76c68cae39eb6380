"""Drive the judge: begin it on the stable arm's past, feed it each window once, and say what the machine may rely on.

An answer that is missing or odd never decides anything: it freezes the rollout, which says so in MetricsAvailable with
the query and the answer. Only a proof of harm outlives blindness.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from rollmodel.api import conditions
from rollmodel.api.modeldeployment import Metric
from rollmodel.errors import Invalid
from rollmodel.evidence import judge
from rollmodel.evidence.core.types import (
    Assessment,
    CountSample,
    HistogramSample,
    MeanSample,
    NoEvidenceReason,
    Outcome,
    Sample,
    Window,
)
from rollmodel.plan.deployment.analysis.evidence_lines import evidence_line
from rollmodel.plan.deployment.analysis.policy import judge_plan
from rollmodel.plan.deployment.analysis.queries import MetricQuery, asks_history, load_judge, queries, query_of
from rollmodel.plan.deployment.analysis.result import NOT_ASKED, AnalysisResult
from rollmodel.plan.deployment.analysis.samples import Arms, Sampled, UnexpectedAnswer, aligned, past, sampled
from rollmodel.plan.deployment.context import Context
from rollmodel.plan.deployment.observed import Answer, QueryProblem
from rollmodel.plan.deployment.state import RolloutState, change
from rollmodel.plan.times import parse, stamp

__all__ = ["analyse"]

T = TypeVar("T")

#: Reasons that only say that there is nothing to count, or not yet: a quiet night is not a broken metric.
_QUIET = {
    NoEvidenceReason.NO_TRAFFIC,
    NoEvidenceReason.ARM_EMPTY,
    NoEvidenceReason.NO_SERIES,
    NoEvidenceReason.GAP,
    NoEvidenceReason.LABELS_PENDING,
}


@dataclass(frozen=True, slots=True)
class _Problem:
    reason: str
    message: str


def analyse(state: RolloutState, context: Context) -> tuple[RolloutState, AnalysisResult]:
    """The memory with what the new windows taught the judge, and what can be seen now."""
    if not context.spec.analysis.metrics and state.judge is None:
        return state, AnalysisResult("Unknown", "NoMetrics", "`analysis.metrics` is empty: steps go by time alone")
    if state.candidate is None or state.stable is None:
        return state, _at_rest(context)
    asked, history = queries(context.observed), asks_history(context.observed)
    judge_state = load_judge(state.judge) if state.judge is not None else None
    problems = [
        *_removed(context, judge_state),
        *_impossible(context, judge_state),
        *(_unanswered(context, asked) if asked else _still(state, context)),
    ]
    if history:
        return _begin(state, context, asked, problems)
    if judge_state is None or not _has_weight(state):
        return state, _with_result(context, problems, NOT_ASKED)
    return _judged(state, context, judge_state, asked, problems)


def _has_weight(state: RolloutState) -> bool:
    """Whether the candidate is past its start."""
    return state.candidate is not None and state.candidate.step is not None and state.candidate.step >= 0


def _at_rest(context: Context) -> AnalysisResult:
    """Nothing is asked; but a metric that can never be measured is better known today than at the next rollout."""
    problem = next(_impossible(context, None), None)
    return AnalysisResult("False", problem.reason, problem.message) if problem is not None else NOT_ASKED


def _removed(context: Context, judge_state: judge.JudgeState | None) -> Iterator[_Problem]:
    """Metrics that this rollout began with, and that the spec does not have any more."""
    known = {metric.name for metric in context.spec.analysis.metrics}
    for plan in judge_state.plan.metrics if judge_state is not None else ():
        if plan.name not in known:
            message = (
                f"metric '{plan.name}' was taken out, but this rollout began with it; `abort` and `retry` begin anew"
            )
            yield _Problem("MetricRemoved", message)


def _impossible(context: Context, judge_state: judge.JudgeState | None) -> Iterator[_Problem]:
    """Metrics whose query cannot even be written down; during a rollout those that it began with."""
    judged = None if judge_state is None else {metric.name for metric in judge_state.plan.metrics}
    for metric in context.spec.analysis.metrics:
        try:
            if judged is None or metric.name in judged:
                query_of(context.observed, metric, history=False)
        except Invalid as error:
            yield _Problem(error.reason, str(error))


def _still(state: RolloutState, context: Context) -> Iterator[_Problem]:
    """Between two ticks nothing is asked, and what was wrong at the last one still is."""
    before = conditions.find(context.observed.status.conditions, "MetricsAvailable")
    if _has_weight(state) and before is not None and before.status == "False":
        yield _Problem(before.reason, before.message)


def _unanswered(context: Context, asked: dict[str, MetricQuery]) -> Iterator[_Problem]:
    for name in asked:
        answer = context.observed.answers.get(name)
        if isinstance(answer, QueryProblem):
            yield _Problem(answer.reason, f"metric '{name}': {answer.message}; the query was: {answer.query}")


def _begin(
    state: RolloutState, context: Context, asked: dict[str, MetricQuery], problems: Sequence[_Problem]
) -> tuple[RolloutState, AnalysisResult]:
    """The judge begins once everything that it learns from was answered."""
    histories, odd = _read(state, context, asked, past)
    if problems or odd or len(histories) < len(asked):
        waiting = AnalysisResult("Unknown", "Waiting", "the past of the stable revision has not been read yet")
        return state, _with_result(context, [*problems, *odd], waiting)
    try:
        judge_state = judge.begin(judge_plan(context.spec), histories, context.now.timestamp())
    except judge.PlanError as error:
        return state, _with_result(context, [_Problem("InvalidAnalysis", str(error))], NOT_ASKED)
    if state.judge is not None:
        message = "the evidence so far was written by another release and cannot be read: judging begins anew"
        state = state.with_event("Warning", "JudgeRestarted", message)
    return replace(state, judge=judge.dump(judge_state)), AnalysisResult("True", "Answered", "the metrics can be read")


def _judged(
    state: RolloutState,
    context: Context,
    judge_state: judge.JudgeState,
    asked: dict[str, MetricQuery],
    problems: Sequence[_Problem],
) -> tuple[RolloutState, AnalysisResult]:
    """Each new window once, then the opinion."""
    by_metric, odd = _read(state, context, asked, sampled)
    if by_metric:
        state, judge_state = _fed(state, judge_state, by_metric)
    assessment = judge.assess(judge_state)
    found = [*problems, *odd, *_odd(context, judge_state, assessment, asked)]
    analysis = replace(
        _with_result(context, found, AnalysisResult("True", *_what_is_heard(assessment))),
        revision=state.candidate.revision if state.candidate else None,
        assessment=assessment,
        seen_until=datetime.fromtimestamp(judge_state.end, UTC) if judge_state.ticks else None,
    )
    state = replace(state, evidence=tuple(evidence_line(report) for report in assessment.metrics))
    return _thawed(state, context, analysis), analysis


def _fed(
    state: RolloutState, judge_state: judge.JudgeState, by_metric: dict[str, Sampled]
) -> tuple[RolloutState, judge.JudgeState]:
    """The judge after all new windows, and the candidate's requests in them."""
    assert state.candidate is not None  # noqa: S101 - only a candidate has a judge
    requests = state.candidate.requests
    for window, samples in aligned(by_metric):
        judge_state = judge.observe(judge_state, window, samples, weight=_routed(state, window))
        requests += _requests(state, window, samples)
    candidate = change(state.candidate, requests=requests)
    return replace(state, judge=judge.dump(judge_state), candidate=candidate), judge_state


def _read(
    state: RolloutState,
    context: Context,
    asked: dict[str, MetricQuery],
    reader: Callable[[Metric, Answer, MetricQuery, Arms], T],
) -> tuple[dict[str, T], list[_Problem]]:
    """What the reader makes of each answer, and the answers that it could not make anything of."""
    found: dict[str, T] = {}
    problems: list[_Problem] = []
    for metric in context.spec.analysis.metrics:
        query, answer = asked.get(metric.name), context.observed.answers.get(metric.name)
        if query is None or not isinstance(answer, Answer):
            continue
        try:
            found[metric.name] = reader(metric, answer, query, _arms(state))
        except UnexpectedAnswer as error:
            message = f"metric '{metric.name}': {error}; the query was: {query.query}"
            problems.append(_Problem("UnexpectedAnswer", message))
    return found, problems


def _arms(state: RolloutState) -> dict[str, str]:
    arms = {state.stable.revision: "stable"} if state.stable is not None else {}
    return {**arms, state.candidate.revision: "candidate"} if state.candidate is not None else arms


def _routed(state: RolloutState, window: Window) -> float | None:
    """The candidate's share in a window, if the weight that is observed now was already in force at its end."""
    candidate = state.candidate
    if candidate is None or candidate.weight_since is None:
        return None
    return candidate.weight / 100 if window.end > parse(candidate.weight_since).timestamp() else None


def _requests(state: RolloutState, window: Window, samples: dict[str, Sample]) -> int:
    """Requests of the candidate in a window that lies in the current step."""
    candidate = state.candidate
    if candidate is None or candidate.since is None or window.start < parse(candidate.since).timestamp():
        return 0
    return round(max((_candidate_count(sample) for sample in samples.values()), default=0.0))


def _candidate_count(sample: Sample) -> float:
    match sample:
        case CountSample() | MeanSample():
            return sample.na
        case HistogramSample():
            return sum(sample.candidate)
        case _:
            return 0.0


def _odd(
    context: Context, judge_state: judge.JudgeState, assessment: Assessment, asked: dict[str, MetricQuery]
) -> list[_Problem]:
    """What the last window says beyond that there was no traffic, and queries that have given nothing for a while."""
    problems = [
        _Problem(note.reason.value, f"metric '{name}': {note.message}")
        for name, note in judge_state.notes.items()
        if note.reason not in _QUIET
    ]
    silent = assessment.blamed if assessment.outcome is Outcome.NO_DATA else ()
    for name in silent:
        answer = context.observed.answers.get(name)
        if isinstance(answer, Answer) and not answer.series:
            message = f"metric '{name}': the query gives no series at all; the query was: {asked[name].query}"
            problems.append(_Problem("NoSeries", message))
    return problems


def _what_is_heard(assessment: Assessment) -> tuple[str, str]:
    if assessment.outcome is Outcome.NO_DATA:
        return "NoTraffic", assessment.message
    return "Answered", "the metrics can be read"


def _with_result(context: Context, problems: Sequence[_Problem], otherwise: AnalysisResult) -> AnalysisResult:
    """Blind while there is a problem; since when is what the condition remembers."""
    if not problems:
        return otherwise
    before = conditions.find(context.observed.status.conditions, "MetricsAvailable")
    since = parse(before.last_transition_time) if before is not None and before.status == "False" else context.now
    candidate = context.observed.status.candidate
    if candidate is not None and candidate.started is not None:
        since = max(since, parse(candidate.started))
    worst = problems[0]
    return replace(otherwise, status="False", reason=worst.reason, message=worst.message, blind_since=since)


def _thawed(state: RolloutState, context: Context, seen: AnalysisResult) -> RolloutState:
    """Time without sight does not count: when it returns, the step's clock goes on where it stood."""
    before = conditions.find(context.observed.status.conditions, "MetricsAvailable")
    candidate = state.candidate
    returned = before is not None and before.status == "False" and seen.status != "False"
    if before is None or not returned or candidate is None or candidate.since is None:
        return state
    begun = parse(candidate.since)
    blind = context.now - max(begun, parse(before.last_transition_time))
    return replace(state, candidate=change(candidate, since=stamp(begun + max(blind, timedelta(0)))))
