"""Run the judge: begin it on the stable arm's past, give it each window once, and say what the rollout may rely on.

An answer that is missing or odd never decides anything: it freezes the rollout, which says so in MetricsAvailable with
the query and the answer. Only a proof of harm outlives blindness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from rollmodel.evidence import judge, sample_ratio
from rollmodel.evidence.core.samples import Sample, Window
from rollmodel.evidence.core.types import MetricHistory
from rollmodel.plan.deployment.analysis.answers import (
    complete_questions,
    counters,
    past_in_windows,
    read_answers,
    window_seconds_of,
)
from rollmodel.plan.deployment.analysis.evidence_lines import evidence_line
from rollmodel.plan.deployment.analysis.missing.arrival import newest_move
from rollmodel.plan.deployment.analysis.missing.blindness import (
    answered,
    blind_or,
    readable,
    with_blind_time_added,
)
from rollmodel.plan.deployment.analysis.missing.copies import without_copies
from rollmodel.plan.deployment.analysis.missing.lateness import SAMPLES_LATE, late_samples, longer_windows
from rollmodel.plan.deployment.analysis.missing.presence import TARGETS, missing_series, waits_for_first_samples
from rollmodel.plan.deployment.analysis.missing.silence import heard, silence
from rollmodel.plan.deployment.analysis.missing.stragglers import Arm, late_pods, name_of
from rollmodel.plan.deployment.analysis.policy import compared_part, judge_plan
from rollmodel.plan.deployment.analysis.problems import (
    is_at_step,
    problems_at_last_tick,
    removed_metrics,
    unanswered,
    window_problems,
    wrong_queries,
)
from rollmodel.plan.deployment.analysis.queries import (
    asks_history,
    is_about_candidate,
    load_judge,
    past_part,
    queries,
)
from rollmodel.plan.deployment.analysis.result import NOT_ASKED, AnalysisResult
from rollmodel.plan.deployment.analysis.samples import aligned, past, sampled
from rollmodel.plan.deployment.analysis.signals import signal_of
from rollmodel.plan.deployment.analysis.signals.signal import MetricQuery, Sampled
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.state import change
from rollmodel.plan.deployment.strategies.baseline.compared import compared, compared_share
from rollmodel.plan.problem import Problem
from rollmodel.plan.times import parse

__all__ = ["analyse"]

_NO_METRICS = AnalysisResult("Unknown", "NoMetrics", "`analysis.metrics` is empty: steps go by time alone")


def analyse(rollout: Rollout) -> Rollout:
    """Give the new windows to the judge, and say what the rollout may rely on."""
    if not rollout.spec.analysis.metrics and rollout.state.judge is None:
        return _with(rollout, _NO_METRICS)
    if rollout.candidate is None or rollout.stable is None:
        return _with(rollout, _at_rest(rollout))
    asked, history = queries(rollout.observed), asks_history(rollout.observed)
    asked.pop(TARGETS, None)  # only says why others have no answer
    judge_state = load_judge(rollout.state.judge) if rollout.state.judge is not None else None
    problems = [
        *removed_metrics(rollout, judge_state),
        *wrong_queries(rollout, judge_state),
        *(unanswered(rollout, asked) if asked else problems_at_last_tick(rollout)),
    ]
    if history:
        return _aged(_begin(rollout, asked, problems), asked)
    if judge_state is None or not is_at_step(rollout):
        return _with(rollout, blind_or(rollout, problems, NOT_ASKED))
    return _aged(_judged(rollout, judge_state, asked, problems), asked)


def _with(rollout: Rollout, analysis: AnalysisResult) -> Rollout:
    return replace(rollout, analysis=analysis)


def _aged(rollout: Rollout, asked: dict[str, MetricQuery]) -> Rollout:
    """With how old the newest sample was."""
    grid, answers = counters(rollout, asked)
    newest = newest_move(answers, grid) if grid is not None else None
    age = None if newest is None else rollout.now.timestamp() - newest
    return _with(rollout, replace(rollout.analysis, sample_age=age))


def _at_rest(rollout: Rollout) -> AnalysisResult:
    """Nothing is asked; but a metric that can never be measured is better known today than at the next rollout."""
    problem = next(wrong_queries(rollout, None), None)
    return AnalysisResult("False", problem.reason, problem.message) if problem is not None else NOT_ASKED


def _begin(rollout: Rollout, asked: dict[str, MetricQuery], problems: Sequence[Problem]) -> Rollout:
    """The judge begins once everything that it learns from was answered."""
    missing = list(missing_series(rollout, _of_stable(rollout, asked)))
    if missing and not problems and waits_for_first_samples(rollout):
        waiting = AnalysisResult("Unknown", "Waiting", "the first samples of the stable revision are on their way")
        return _with(rollout, waiting)
    problems = [*problems, *missing]
    interval = window_seconds_of(rollout, asked)
    arms = _arms(rollout, history=True)
    histories, unexpected = read_answers(
        rollout, past_in_windows(complete_questions(rollout, asked), interval), past, arms
    )
    if problems or unexpected or len(histories) < len(asked):
        waiting = AnalysisResult("Unknown", "Waiting", "the past of the stable revision has not been read yet")
        return _with(rollout, blind_or(rollout, [*problems, *unexpected], waiting))
    try:
        plan = judge_plan(rollout.spec, interval)
        judge_state = judge.begin(plan, _of_some(rollout, histories), rollout.now.timestamp())
    except judge.PlanError as error:
        return _with(rollout, blind_or(rollout, [Problem("InvalidAnalysis", str(error))], NOT_ASKED))
    if rollout.state.judge is not None:
        message = "the evidence so far was written by another release and cannot be read: judging begins anew"
        rollout = rollout.with_event("Warning", "JudgeRestarted", message)
    return _with(rollout.with_state(judge=judge.pack(judge_state)), answered(rollout, judge_state))


def _of_some(rollout: Rollout, histories: Mapping[str, MetricHistory]) -> dict[str, MetricHistory]:
    """The histories, each with the share of the pods that it is of: of a baseline, how many times what is compared."""
    parts = {one.name: past_part(rollout.observed, one) for one in rollout.spec.analysis.metrics}
    whole = compared_part(rollout.spec) if rollout.baseline is not None else 1.0
    return {name: replace(history, part=parts[name] / whole) for name, history in histories.items()}


def _of_stable(rollout: Rollout, asked: dict[str, MetricQuery]) -> dict[str, MetricQuery]:
    """The questions that have an answer before the candidate has traffic."""
    return {
        metric.name: asked[metric.name]
        for metric in rollout.spec.analysis.metrics
        if metric.name in asked
        and (signal_of(metric).learns_from_history or not is_about_candidate(rollout.observed, metric))
    }


def _judged(
    rollout: Rollout, judge_state: judge.JudgeState, asked: dict[str, MetricQuery], problems: Sequence[Problem]
) -> Rollout:
    """Each new window once, then the opinion."""
    if (seconds := longer_windows(rollout, judge_state, asked, _arms(rollout))) is not None:
        return _anew(rollout, judge_state, seconds)
    late = late_samples(rollout, judge_state, asked, _arms(rollout))
    counted_before = judge_state.counted
    by_metric, unexpected = read_answers(rollout, complete_questions(rollout, asked), sampled, _arms(rollout))
    by_metric = without_copies(rollout, by_metric)
    if by_metric:
        rollout, judge_state = _observe_windows(rollout, judge_state, by_metric)
    assessment = judge.assess(judge_state)
    seen_until = datetime.fromtimestamp(judge_state.end, UTC) if judge_state.ticks else None
    silent = silence(rollout, seen_until)
    if silent or sample_ratio.alarm(judge_state.share) is not None:
        few: Arm = "stable" if sample_ratio.alarm(judge_state.share) == "more" and not silent else "candidate"
        known = [problem for problem in problems if problem.reason == SAMPLES_LATE]  # between two ticks
        late = [*late_pods(rollout, counted_before, asked, _arms(rollout), few), *late, *known]
    odd = window_problems(rollout, judge_state, assessment, asked)
    found = [*(late if silent else ()), *silent, *problems, *unexpected, *late, *odd]
    analysis = replace(
        blind_or(rollout, found, readable(rollout, judge_state, assessment)),
        revision=rollout.candidate.revision if rollout.candidate else None,
        assessment=assessment,
        plan=judge_state.plan,
        seen_until=seen_until,
    )
    beside = "stable" if rollout.baseline is None else "baseline"
    rollout = rollout.with_state(evidence=tuple(evidence_line(report, beside) for report in assessment.metrics))
    return _with(with_blind_time_added(rollout, analysis), analysis)


def _anew(rollout: Rollout, judge_state: judge.JudgeState, seconds: float) -> Rollout:
    """Without the judge, which has seen nothing yet: the next one begins with windows that hold samples."""
    message = f"samples come less often than every {judge_state.plan.interval:.0f} s: windows of {seconds:.0f} s"
    rollout = rollout.with_event("Normal", "JudgeRestarted", f"{message}; nothing was counted before")
    return _with(rollout.with_state(judge=None), AnalysisResult("Unknown", "Waiting", message))


def _observe_windows(
    rollout: Rollout, judge_state: judge.JudgeState, by_metric: dict[str, Sampled]
) -> tuple[Rollout, judge.JudgeState]:
    """The judge after all new windows, and the candidate's requests in them."""
    assert rollout.candidate is not None  # noqa: S101 - only a candidate has a judge
    requests, arm = rollout.candidate.requests, rollout.candidate
    for window, samples in aligned(by_metric):
        arm = heard(rollout, arm, window, samples)
        share = None if rollout.baseline is None else compared_share(rollout.candidate, rollout.baseline)
        weight, arms = _routed(rollout, window), name_of(_arms(rollout))
        judge_state = judge.observe(judge_state, window, samples, weight=weight, share=share, arms=arms)
        requests = min(requests + _requests(rollout, window, samples), 2**53)  # as many as status takes
    return rollout.with_state(judge=judge.pack(judge_state)).with_state(
        candidate=change(arm, requests=requests)
    ), judge_state


def _arms(rollout: Rollout, *, history: bool = False) -> dict[str, str]:
    """The revisions that are compared. One that stands in has nobody beside it: its ceilings hold all the same."""
    if rollout.stable is None or rollout.candidate is None:
        return {}
    beside = None if history else rollout.baseline
    found = compared(rollout.strategy, rollout.stable, rollout.candidate, beside)
    alone = found.alone or rollout.candidate.weight == 100
    return {found.stable: "down" if alone else "stable", found.candidate: "candidate"}


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
