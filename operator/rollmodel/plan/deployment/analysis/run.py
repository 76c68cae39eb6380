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
from rollmodel.plan.deployment.analysis.queries import MetricQuery, asks_history, judge_state, queries, query_of
from rollmodel.plan.deployment.analysis.result import NOT_ASKED, Sight
from rollmodel.plan.deployment.analysis.samples import Arms, Sampled, UnexpectedAnswer, aligned, past, sampled
from rollmodel.plan.deployment.context import Look
from rollmodel.plan.deployment.observed import Answer, QueryProblem
from rollmodel.plan.deployment.state import Memory, change
from rollmodel.plan.times import parse, stamp

__all__ = ["hear"]

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


def hear(memory: Memory, look: Look) -> tuple[Memory, Sight]:
    """The memory with what the new windows taught the judge, and what can be seen now."""
    if not look.spec.analysis.metrics and memory.judge is None:
        return memory, Sight("Unknown", "NoMetrics", "`analysis.metrics` is empty: steps go by time alone")
    if memory.candidate is None or memory.stable is None:
        return memory, _at_rest(look)
    asked, history = queries(look.observed), asks_history(look.observed)
    state = judge_state(memory.judge) if memory.judge is not None else None
    problems = [
        *_removed(look, state),
        *_impossible(look, state),
        *(_unanswered(look, asked) if asked else _still(memory, look)),
    ]
    if history:
        return _begun(memory, look, asked, problems)
    if state is None or not _has_weight(memory):
        return memory, _seen(look, problems, NOT_ASKED)
    return _judged(memory, look, state, asked, problems)


def _has_weight(memory: Memory) -> bool:
    """Whether the candidate is past its start."""
    return memory.candidate is not None and memory.candidate.step is not None and memory.candidate.step >= 0


def _at_rest(look: Look) -> Sight:
    """Nothing is asked; but a metric that can never be measured is better known today than at the next rollout."""
    problem = next(_impossible(look, None), None)
    return Sight("False", problem.reason, problem.message) if problem is not None else NOT_ASKED


def _removed(look: Look, state: judge.JudgeState | None) -> Iterator[_Problem]:
    """Metrics that this rollout began with, and that the spec does not have any more."""
    known = {metric.name for metric in look.spec.analysis.metrics}
    for plan in state.plan.metrics if state is not None else ():
        if plan.name not in known:
            message = (
                f"metric '{plan.name}' was taken out, but this rollout began with it; `abort` and `retry` begin anew"
            )
            yield _Problem("MetricRemoved", message)


def _impossible(look: Look, state: judge.JudgeState | None) -> Iterator[_Problem]:
    """Metrics whose query cannot even be written down; during a rollout those that it began with."""
    judged = None if state is None else {metric.name for metric in state.plan.metrics}
    for metric in look.spec.analysis.metrics:
        try:
            if judged is None or metric.name in judged:
                query_of(look.observed, metric, history=False)
        except Invalid as error:
            yield _Problem(error.reason, str(error))


def _still(memory: Memory, look: Look) -> Iterator[_Problem]:
    """Between two ticks nothing is asked, and what was wrong at the last one still is."""
    before = conditions.find(look.observed.status.conditions, "MetricsAvailable")
    if _has_weight(memory) and before is not None and before.status == "False":
        yield _Problem(before.reason, before.message)


def _unanswered(look: Look, asked: dict[str, MetricQuery]) -> Iterator[_Problem]:
    for name in asked:
        answer = look.observed.answers.get(name)
        if isinstance(answer, QueryProblem):
            yield _Problem(answer.reason, f"metric '{name}': {answer.message}; the query was: {answer.query}")


def _begun(
    memory: Memory, look: Look, asked: dict[str, MetricQuery], problems: Sequence[_Problem]
) -> tuple[Memory, Sight]:
    """The judge begins once everything that it learns from was answered."""
    histories, odd = _read(memory, look, asked, past)
    if problems or odd or len(histories) < len(asked):
        waiting = Sight("Unknown", "Waiting", "the past of the stable revision has not been read yet")
        return memory, _seen(look, [*problems, *odd], waiting)
    try:
        state = judge.begin(judge_plan(look.spec), histories, look.now.timestamp())
    except judge.PlanError as error:
        return memory, _seen(look, [_Problem("InvalidAnalysis", str(error))], NOT_ASKED)
    if memory.judge is not None:
        message = "the evidence so far was written by another release and cannot be read: judging begins anew"
        memory = memory.saying("Warning", "JudgeRestarted", message)
    return replace(memory, judge=judge.dump(state)), Sight("True", "Answered", "the metrics can be read")


def _judged(
    memory: Memory, look: Look, state: judge.JudgeState, asked: dict[str, MetricQuery], problems: Sequence[_Problem]
) -> tuple[Memory, Sight]:
    """Each new window once, then the opinion."""
    by_metric, odd = _read(memory, look, asked, sampled)
    if by_metric:
        memory, state = _fed(memory, state, by_metric)
    assessment = judge.assess(state)
    found = [*problems, *odd, *_odd(look, state, assessment, asked)]
    sight = replace(
        _seen(look, found, Sight("True", *_what_is_heard(assessment))),
        revision=memory.candidate.revision if memory.candidate else None,
        assessment=assessment,
        seen_until=datetime.fromtimestamp(state.end, UTC) if state.ticks else None,
    )
    memory = replace(memory, evidence=tuple(evidence_line(report) for report in assessment.metrics))
    return _thawed(memory, look, sight), sight


def _fed(memory: Memory, state: judge.JudgeState, by_metric: dict[str, Sampled]) -> tuple[Memory, judge.JudgeState]:
    """The judge after all new windows, and the candidate's requests in them."""
    assert memory.candidate is not None  # noqa: S101 - only a candidate has a judge
    requests = memory.candidate.requests
    for window, samples in aligned(by_metric):
        state = judge.observe(state, window, samples, weight=_routed(memory, window))
        requests += _requests(memory, window, samples)
    candidate = change(memory.candidate, requests=requests)
    return replace(memory, judge=judge.dump(state), candidate=candidate), state


def _read(
    memory: Memory, look: Look, asked: dict[str, MetricQuery], reader: Callable[[Metric, Answer, MetricQuery, Arms], T]
) -> tuple[dict[str, T], list[_Problem]]:
    """What the reader makes of each answer, and the answers that it could not make anything of."""
    found: dict[str, T] = {}
    problems: list[_Problem] = []
    for metric in look.spec.analysis.metrics:
        query, answer = asked.get(metric.name), look.observed.answers.get(metric.name)
        if query is None or not isinstance(answer, Answer):
            continue
        try:
            found[metric.name] = reader(metric, answer, query, _arms(memory))
        except UnexpectedAnswer as error:
            message = f"metric '{metric.name}': {error}; the query was: {query.query}"
            problems.append(_Problem("UnexpectedAnswer", message))
    return found, problems


def _arms(memory: Memory) -> dict[str, str]:
    arms = {memory.stable.revision: "stable"} if memory.stable is not None else {}
    return {**arms, memory.candidate.revision: "candidate"} if memory.candidate is not None else arms


def _routed(memory: Memory, window: Window) -> float | None:
    """The candidate's share in a window, if the weight that is observed now was already in force at its end."""
    candidate = memory.candidate
    if candidate is None or candidate.weight_since is None:
        return None
    return candidate.weight / 100 if window.end > parse(candidate.weight_since).timestamp() else None


def _requests(memory: Memory, window: Window, samples: dict[str, Sample]) -> int:
    """Requests of the candidate in a window that lies in the current step."""
    candidate = memory.candidate
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


def _odd(look: Look, state: judge.JudgeState, assessment: Assessment, asked: dict[str, MetricQuery]) -> list[_Problem]:
    """What the last window says beyond that there was no traffic, and queries that have given nothing for a while."""
    problems = [
        _Problem(note.reason.value, f"metric '{name}': {note.message}")
        for name, note in state.notes.items()
        if note.reason not in _QUIET
    ]
    silent = assessment.blamed if assessment.outcome is Outcome.NO_DATA else ()
    for name in silent:
        answer = look.observed.answers.get(name)
        if isinstance(answer, Answer) and not answer.series:
            message = f"metric '{name}': the query gives no series at all; the query was: {asked[name].query}"
            problems.append(_Problem("NoSeries", message))
    return problems


def _what_is_heard(assessment: Assessment) -> tuple[str, str]:
    if assessment.outcome is Outcome.NO_DATA:
        return "NoTraffic", assessment.message
    return "Answered", "the metrics can be read"


def _seen(look: Look, problems: Sequence[_Problem], otherwise: Sight) -> Sight:
    """Blind while there is a problem; since when is what the condition remembers."""
    if not problems:
        return otherwise
    before = conditions.find(look.observed.status.conditions, "MetricsAvailable")
    since = parse(before.last_transition_time) if before is not None and before.status == "False" else look.now
    candidate = look.observed.status.candidate
    if candidate is not None and candidate.started is not None:
        since = max(since, parse(candidate.started))
    worst = problems[0]
    return replace(otherwise, status="False", reason=worst.reason, message=worst.message, blind_since=since)


def _thawed(memory: Memory, look: Look, seen: Sight) -> Memory:
    """Time without sight does not count: when it returns, the step's clock goes on where it stood."""
    before = conditions.find(look.observed.status.conditions, "MetricsAvailable")
    candidate = memory.candidate
    returned = before is not None and before.status == "False" and seen.status != "False"
    if before is None or not returned or candidate is None or candidate.since is None:
        return memory
    begun = parse(candidate.since)
    blind = look.now - max(begun, parse(before.last_transition_time))
    return replace(memory, candidate=change(candidate, since=stamp(begun + max(blind, timedelta(0)))))
