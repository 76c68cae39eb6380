"""Drive the judge: begin it on the stable arm's past, feed it each window once, and say what the machine may rely on.

An answer that is missing or odd never decides anything: it freezes the rollout, which says so in MetricsAvailable with
the query and the answer. Only a proof of harm outlives blindness.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from rollmodel.api import conditions
from rollmodel.api.modeldeployment import EvidenceStatus, Metric
from rollmodel.errors import Invalid
from rollmodel.evidence import judge
from rollmodel.evidence.types import (
    Assessment,
    CountSample,
    HistogramSample,
    MeanSample,
    MetricHistory,
    MetricReport,
    NoEvidence,
    NoEvidenceReason,
    Outcome,
    Sample,
    Window,
)
from rollmodel.plan.deployment.look import Look
from rollmodel.plan.deployment.memory import Memory, change
from rollmodel.plan.deployment.observed import Answer, QueryProblem
from rollmodel.plan.deployment.policy import judge_plan
from rollmodel.plan.deployment.queries import MetricQuery, asks_history, judge_state, queries, query_of
from rollmodel.plan.deployment.samples import Sampled, UnexpectedAnswer, aligned, past, sampled
from rollmodel.plan.deployment.sight import NOT_ASKED, Sight
from rollmodel.plan.times import parse, stamp

__all__ = ["hear"]

#: Reasons that only say that nobody asked for anything: a quiet night is not a broken metric.
_QUIET = {NoEvidenceReason.NO_TRAFFIC, NoEvidenceReason.ARM_EMPTY, NoEvidenceReason.NO_SERIES, NoEvidenceReason.GAP}


@dataclass(frozen=True, slots=True)
class _Problem:
    reason: str
    message: str


def hear(memory: Memory, look: Look) -> tuple[Memory, Sight]:
    """The memory with what the new windows taught the judge, and what can be seen now."""
    metrics = look.spec.analysis.metrics
    if not metrics:
        return memory, Sight("Unknown", "NoMetrics", "`analysis.metrics` is empty: steps go by time alone")
    if memory.candidate is None or memory.stable is None:
        return memory, _at_rest(look)
    asked = queries(look.observed)
    history = asks_history(look.observed)
    problems = [*_impossible(look, history=history), *(_unanswered(look, asked) if asked else _still(look))]
    if history:
        return _begun(memory, look, asked, problems)
    state = judge_state(memory.judge) if memory.judge is not None else None
    if state is None:
        return memory, _seen(look, problems, NOT_ASKED)
    return _observed(memory, look, state, asked, problems)


def _at_rest(look: Look) -> Sight:
    """Nothing is asked; but a metric that can never be measured is better known today than at the next rollout."""
    problem = next(_impossible(look, history=False), None)
    return Sight("False", problem.reason, problem.message) if problem is not None else NOT_ASKED


def _impossible(look: Look, *, history: bool) -> Iterator[_Problem]:
    """Metrics whose query cannot even be written down."""
    for metric in look.spec.analysis.metrics:
        try:
            query_of(look.observed, metric, history=history)
        except Invalid as error:
            yield _Problem(error.reason, str(error))


def _still(look: Look) -> Iterator[_Problem]:
    """Between two ticks nothing is asked, and what was wrong at the last one still is."""
    before = conditions.find(look.observed.status.conditions, "MetricsAvailable")
    if before is not None and before.status == "False":
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
    found = list(problems)
    histories: dict[str, MetricHistory] = {}
    for metric, query, answer in _answered(look, asked):
        try:
            histories[metric.name] = past(metric, answer, query, _arms(memory))
        except UnexpectedAnswer as error:
            found.append(_unexpected(metric, query, error))
    complete = all(name in histories for name in asked)
    if found or not complete:
        waiting = Sight("Unknown", "Waiting", "the past of the stable revision has not been read yet")
        return memory, _seen(look, found, waiting)
    try:
        state = judge.begin(judge_plan(look.spec), histories, look.now.timestamp())
    except judge.PlanError as error:
        return memory, _seen(look, [_Problem("InvalidAnalysis", str(error))], NOT_ASKED)
    if memory.judge is not None:
        message = "the evidence so far was written by another release and cannot be read: judging begins anew"
        memory = memory.saying("Warning", "JudgeRestarted", message)
    return replace(memory, judge=judge.dump(state)), Sight("True", "Answered", "the metrics can be read")


def _observed(
    memory: Memory, look: Look, state: judge.JudgeState, asked: dict[str, MetricQuery], problems: Sequence[_Problem]
) -> tuple[Memory, Sight]:
    """Each new window once, then the opinion."""
    assert memory.candidate is not None  # noqa: S101 - only a candidate has a judge
    found = list(problems)
    by_metric: dict[str, Sampled] = {}
    for metric, query, answer in _answered(look, asked):
        try:
            by_metric[metric.name] = sampled(metric, answer, query, _arms(memory))
        except UnexpectedAnswer as error:
            found.append(_unexpected(metric, query, error))
    known = {metric.name for metric in look.spec.analysis.metrics}
    removed = {plan.name: _REMOVED for plan in state.plan.metrics if plan.name not in known}
    requests = 0
    for window, samples in aligned(by_metric):
        state = judge.observe(state, window, {**samples, **removed}, weight=_routed(memory, window))
        requests += _requests(memory, window, samples)
    if by_metric:
        candidate = change(memory.candidate, requests=memory.candidate.requests + requests)
        memory = replace(memory, judge=judge.dump(state), candidate=candidate)
    assessment = judge.assess(state)
    memory = replace(memory, evidence=tuple(_line(report) for report in assessment.metrics))
    found += _odd(look, state, assessment, asked)
    seen = _seen(look, found, Sight("True", *_what_is_heard(assessment)))
    seen = replace(
        seen,
        revision=memory.candidate.revision if memory.candidate else None,
        assessment=assessment,
        seen_until=datetime.fromtimestamp(state.end, UTC) if state.ticks else None,
    )
    return _thawed(memory, look, seen), seen


_REMOVED = NoEvidence(
    NoEvidenceReason.UNKNOWN_METRIC,
    "it is no longer in `analysis`, but this rollout began with it; `abort` and `retry` begin anew",
)


def _answered(look: Look, asked: dict[str, MetricQuery]) -> Iterator[tuple[Metric, MetricQuery, Answer]]:
    for metric in look.spec.analysis.metrics:
        query, answer = asked.get(metric.name), look.observed.answers.get(metric.name)
        if query is not None and isinstance(answer, Answer):
            yield metric, query, answer


def _arms(memory: Memory) -> dict[str, str]:
    arms = {memory.stable.revision: "stable"} if memory.stable is not None else {}
    return {**arms, memory.candidate.revision: "candidate"} if memory.candidate is not None else arms


def _unexpected(metric: Metric, query: MetricQuery, error: UnexpectedAnswer) -> _Problem:
    return _Problem("UnexpectedAnswer", f"metric '{metric.name}': {error}; the query was: {query.query}")


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
    if (
        before is None
        or before.status != "False"
        or seen.status == "False"
        or candidate is None
        or candidate.since is None
    ):
        return memory
    begun = parse(candidate.since)
    blind = look.now - max(begun, parse(before.last_transition_time))
    return replace(memory, candidate=change(candidate, since=stamp(begun + max(blind, timedelta(0)))))


def _line(report: MetricReport) -> EvidenceStatus:
    """A metric in one line for people."""
    return EvidenceStatus(
        metric=report.name,
        verdict=report.verdict,
        e_value=None if report.e_harm is None else f"{report.e_harm:.3g}",
        ratio=_ratio(report),
        samples=_samples(report),
        until_decision=_until(report),
        message=report.message or None,
    )


def _ratio(report: MetricReport) -> str | None:
    if report.ratio is None or report.low is None or report.high is None:
        return None
    return f"{report.ratio:.2g} ({report.low:.2g} .. {report.high:.2g})"


def _samples(report: MetricReport) -> str | None:
    if report.value is not None:
        return f"value {report.value:.4g}"
    if not (report.na or report.nb):
        return None
    return f"{report.ka:.0f}/{report.na:.0f} candidate, {report.kb:.0f}/{report.nb:.0f} stable"


def _until(report: MetricReport) -> str | None:
    """The nearer of the two decisions, in words."""
    options = [(report.seconds_to_safe, "proven safe"), (report.seconds_to_harm, "proven harmful")]
    known = [(seconds, words) for seconds, words in options if seconds is not None]
    if report.verdict != "Undecided" or not known:
        return None
    seconds, words = min(known)
    return f"about {_duration(seconds)} until {words}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
