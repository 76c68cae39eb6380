"""Run the judge: begin it on the stable arm's past, give it each window once, and say what the rollout may rely on.

An answer that is missing or odd never decides anything: it freezes the rollout, which says so in MetricsAvailable with
the query and the answer. Only a proof of harm outlives blindness.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from rollmodel.api import conditions
from rollmodel.api.modeldeployment import Metric
from rollmodel.errors import Invalid
from rollmodel.evidence import judge
from rollmodel.evidence.core.types import (
    Assessment,
    NoEvidenceReason,
    Outcome,
    Sample,
    Window,
)
from rollmodel.plan.deployment.analysis.evidence_lines import evidence_line
from rollmodel.plan.deployment.analysis.policy import judge_plan
from rollmodel.plan.deployment.analysis.queries import asks_history, load_judge, queries, query_of
from rollmodel.plan.deployment.analysis.result import NOT_ASKED, AnalysisResult
from rollmodel.plan.deployment.analysis.samples import aligned, past, sampled
from rollmodel.plan.deployment.analysis.signals.signal import Arms, MetricQuery, Sampled, UnexpectedAnswer
from rollmodel.plan.deployment.observed import Answer
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.problem import Problem
from rollmodel.plan.times import parse, stamp

__all__ = ["analyse"]

T = TypeVar("T")

_ANSWERED = AnalysisResult("True", "Answered", "the metrics can be read")
_NO_METRICS = AnalysisResult("Unknown", "NoMetrics", "`analysis.metrics` is empty: steps go by time alone")

#: Reasons that only say that there is nothing to count, or not yet: a quiet night is not a broken metric.
_QUIET = {
    NoEvidenceReason.NO_TRAFFIC,
    NoEvidenceReason.ARM_EMPTY,
    NoEvidenceReason.NO_SERIES,
    NoEvidenceReason.GAP,
    NoEvidenceReason.LABELS_PENDING,
}


def analyse(rollout: Rollout) -> Rollout:
    """Give the new windows to the judge, and say what the rollout may rely on."""
    if not rollout.spec.analysis.metrics and rollout.state.judge is None:
        return _with(rollout, _NO_METRICS)
    if rollout.candidate is None or rollout.stable is None:
        return _with(rollout, _at_rest(rollout))
    asked, history = queries(rollout.observed), asks_history(rollout.observed)
    judge_state = load_judge(rollout.state.judge) if rollout.state.judge is not None else None
    problems = [
        *_removed(rollout, judge_state),
        *_impossible(rollout, judge_state),
        *(_unanswered(rollout, asked) if asked else _since_last_tick(rollout)),
    ]
    if history:
        return _begin(rollout, asked, problems)
    if judge_state is None or not _is_at_step(rollout):
        return _with(rollout, _blind_or(rollout, problems, NOT_ASKED))
    return _judged(rollout, judge_state, asked, problems)


def _with(rollout: Rollout, analysis: AnalysisResult) -> Rollout:
    return replace(rollout, analysis=analysis)


def _is_at_step(rollout: Rollout) -> bool:
    """Whether the candidate has begun its steps."""
    return rollout.candidate is not None and rollout.candidate.step is not None and rollout.candidate.step >= 0


def _at_rest(rollout: Rollout) -> AnalysisResult:
    """Nothing is asked; but a metric that can never be measured is better known today than at the next rollout."""
    problem = next(_impossible(rollout, None), None)
    return AnalysisResult("False", problem.reason, problem.message) if problem is not None else NOT_ASKED


def _removed(rollout: Rollout, judge_state: judge.JudgeState | None) -> Iterator[Problem]:
    """Metrics that this rollout began with, and that the spec does not have any more."""
    known = {metric.name for metric in rollout.spec.analysis.metrics}
    for plan in judge_state.plan.metrics if judge_state is not None else ():
        if plan.name not in known:
            message = (
                f"metric '{plan.name}' was taken out, but this rollout began with it; `abort` and `retry` begin anew"
            )
            yield Problem("MetricRemoved", message)


def _impossible(rollout: Rollout, judge_state: judge.JudgeState | None) -> Iterator[Problem]:
    """Metrics whose query cannot even be written down; during a rollout those that it began with."""
    judged = None if judge_state is None else {metric.name for metric in judge_state.plan.metrics}
    for metric in rollout.spec.analysis.metrics:
        try:
            if judged is None or metric.name in judged:
                query_of(rollout.observed, metric, history=False)
        except Invalid as error:
            yield Problem.of(error)


def _since_last_tick(rollout: Rollout) -> Iterator[Problem]:
    """Between two ticks nothing is asked; what was wrong at the last tick is still wrong."""
    before = conditions.find(rollout.observed.status.conditions, "MetricsAvailable")
    if _is_at_step(rollout) and before is not None and before.status == "False":
        yield Problem(before.reason, before.message)


def _unanswered(rollout: Rollout, asked: dict[str, MetricQuery]) -> Iterator[Problem]:
    for name, query in asked.items():
        answer = rollout.observed.answers.get(name)
        if isinstance(answer, Problem):
            yield Problem(answer.reason, f"metric '{name}': {answer.message}; the query was: {query.query}")


def _begin(rollout: Rollout, asked: dict[str, MetricQuery], problems: Sequence[Problem]) -> Rollout:
    """The judge begins once everything that it learns from was answered."""
    histories, unexpected = _read(rollout, asked, past)
    if problems or unexpected or len(histories) < len(asked):
        waiting = AnalysisResult("Unknown", "Waiting", "the past of the stable revision has not been read yet")
        return _with(rollout, _blind_or(rollout, [*problems, *unexpected], waiting))
    try:
        judge_state = judge.begin(judge_plan(rollout.spec), histories, rollout.now.timestamp())
    except judge.PlanError as error:
        return _with(rollout, _blind_or(rollout, [Problem("InvalidAnalysis", str(error))], NOT_ASKED))
    if rollout.state.judge is not None:
        message = "the evidence so far was written by another release and cannot be read: judging begins anew"
        rollout = rollout.with_event("Warning", "JudgeRestarted", message)
    return _with(rollout.with_state(judge=judge.dump(judge_state)), _ANSWERED)


def _judged(
    rollout: Rollout,
    judge_state: judge.JudgeState,
    asked: dict[str, MetricQuery],
    problems: Sequence[Problem],
) -> Rollout:
    """Each new window once, then the opinion."""
    by_metric, unexpected = _read(rollout, asked, sampled)
    if by_metric:
        rollout, judge_state = _observe_windows(rollout, judge_state, by_metric)
    assessment = judge.assess(judge_state)
    found = [*problems, *unexpected, *_window_problems(rollout, judge_state, assessment, asked)]
    analysis = replace(
        _blind_or(rollout, found, _readable(assessment)),
        revision=rollout.candidate.revision if rollout.candidate else None,
        assessment=assessment,
        seen_until=datetime.fromtimestamp(judge_state.end, UTC) if judge_state.ticks else None,
    )
    rollout = rollout.with_state(evidence=tuple(evidence_line(report) for report in assessment.metrics))
    return _with(_with_blind_time_added(rollout, analysis), analysis)


def _observe_windows(
    rollout: Rollout, judge_state: judge.JudgeState, by_metric: dict[str, Sampled]
) -> tuple[Rollout, judge.JudgeState]:
    """The judge after all new windows, and the candidate's requests in them."""
    assert rollout.candidate is not None  # noqa: S101 - only a candidate has a judge
    requests = rollout.candidate.requests
    for window, samples in aligned(by_metric):
        judge_state = judge.observe(judge_state, window, samples, weight=_routed(rollout, window))
        requests += _requests(rollout, window, samples)
    return rollout.with_state(judge=judge.dump(judge_state)).with_candidate(requests=requests), judge_state


def _read(
    rollout: Rollout,
    asked: dict[str, MetricQuery],
    reader: Callable[[Metric, Answer, MetricQuery, Arms], T],
) -> tuple[dict[str, T], list[Problem]]:
    """What the reader makes of each answer, and the answers that it could not make anything of."""
    found: dict[str, T] = {}
    problems: list[Problem] = []
    for metric in rollout.spec.analysis.metrics:
        query, answer = asked.get(metric.name), rollout.observed.answers.get(metric.name)
        if query is None or not isinstance(answer, Answer):
            continue
        try:
            found[metric.name] = reader(metric, answer, query, _arms(rollout))
        except UnexpectedAnswer as error:
            message = f"metric '{metric.name}': {error}; the query was: {query.query}"
            problems.append(Problem("UnexpectedAnswer", message))
    return found, problems


def _arms(rollout: Rollout) -> dict[str, str]:
    if rollout.stable is None or rollout.candidate is None:
        return {}
    compared = rollout.strategy.comparison(rollout.stable, rollout.candidate)
    return {compared.stable: "stable", compared.candidate: "candidate"}


def _routed(rollout: Rollout, window: Window) -> float | None:
    """The candidate's share in a window, if the weight that is observed now was already in force at its end."""
    candidate = rollout.candidate
    if candidate is None or candidate.weight_since is None:
        return None
    return candidate.weight / 100 if window.end > parse(candidate.weight_since).timestamp() else None


def _requests(rollout: Rollout, window: Window, samples: dict[str, Sample]) -> int:
    """Requests of the candidate in a window that lies in the current step."""
    candidate = rollout.candidate
    if candidate is None or candidate.since is None or window.start < parse(candidate.since).timestamp():
        return 0
    return round(max((sample.requests[0] for sample in samples.values()), default=0.0))


def _window_problems(
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
        answer = rollout.observed.answers.get(name)
        if isinstance(answer, Answer) and not answer.series:
            message = f"metric '{name}': the query gives no series at all; the query was: {asked[name].query}"
            problems.append(Problem("NoSeries", message))
    return problems


def _readable(assessment: Assessment) -> AnalysisResult:
    """The metrics can be read, also where nothing is counted."""
    return (
        AnalysisResult("True", "NoTraffic", assessment.message) if assessment.outcome is Outcome.NO_DATA else _ANSWERED
    )


def _blind_or(rollout: Rollout, problems: Sequence[Problem], otherwise: AnalysisResult) -> AnalysisResult:
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


def _with_blind_time_added(rollout: Rollout, analysis: AnalysisResult) -> Rollout:
    """Time in which metrics could not be read does not count: the step's clock goes on where it stood."""
    before = conditions.find(rollout.observed.status.conditions, "MetricsAvailable")
    candidate = rollout.candidate
    returned = before is not None and before.status == "False" and analysis.status != "False"
    if before is None or not returned or candidate is None or candidate.since is None:
        return rollout
    begun = parse(candidate.since)
    blind = rollout.now - max(begun, parse(before.last_transition_time))
    return rollout.with_candidate(since=stamp(begun + max(blind, timedelta(0))))
