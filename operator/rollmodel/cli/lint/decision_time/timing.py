"""How long a policy takes to decide: the operator's judge over expected traffic, and then its own estimate of the rest.

Measured against simulated rollouts (tests/unit/cli/lint/decision_time/test_timing.py): the median of real ones lies
within a factor of 2. Requests are taken to be independent; where faults come in bursts it takes longer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.cli.lint.decision_time.expected import Traffic, past, sample
from rollmodel.evidence import judge
from rollmodel.evidence.core.samples import Window
from rollmodel.evidence.core.types import JudgePlan, MetricPlan, MetricReport
from rollmodel.plan.deployment.analysis.missing.arrival import window_seconds
from rollmodel.plan.deployment.analysis.policy import compared_part, judge_plan
from rollmodel.plan.deployment.full_size import full_size
from rollmodel.plan.deployment.strategies.baseline.compared import asks_baseline
from rollmodel.plan.deployment.strategies.goals import Goal
from rollmodel.plan.deployment.strategies.steps.moves import DWELL_TICKS
from rollmodel.plan.deployment.strategies.steps.ramp import climb
from rollmodel.plan.deployment.strategies.table import strategy_for

__all__ = ["FACTORS", "DecisionTime", "decision_times", "first_step", "late", "promotion_seconds", "traffic_of"]

#: How many times as bad as stable a candidate is taken to be; of latency: as slow; of means: as high (or low); of
#: pairs: how many times as many differ as may.
FACTORS = (2.0, 10.0)
#: Windows that are judged before the judge is asked how long the rest takes.
_JUDGED = 16
#: Nobody estimates how long a broken ceiling takes to be noticed.
_JUDGED_FOR_CEILING = 200
_START = 1_700_000_000.0
#: The delay that the operator waits for samples by default, in seconds.
_SAMPLES_LATE = 5.0


@dataclass(frozen=True, slots=True)
class DecisionTime:
    """Seconds after the first weight; None where the judge sees no end.

    ``harm``: by factor of :data:`FACTORS`; ``tolerated``: those of them that the policy does not call harm.
    """

    metric: str
    scrape_seconds: float
    window_seconds: float
    weight: float
    safe: float | None
    harm: Mapping[float, float | None]
    tolerated: Collection[float] = ()


def decision_times(
    spec: ModelDeploymentSpec, *, rps: float, bad_share: float, scrapes: Sequence[float]
) -> Iterator[DecisionTime]:
    """For each scrape interval and metric, at the first step's weight.

    rps: requests per second of the model; bad_share: the bad ones of the stable revision, for counts.
    """
    for scrape in scrapes:
        window = window_seconds(float(spec.analysis.interval_seconds), scrape)
        plan = judge_plan(spec, window)
        if plan.candidate_share >= 1:
            return  # nobody to compare with
        traffic = traffic_of(spec, plan, rps=rps, bad_share=bad_share)
        begun = _begun(plan, traffic)
        later = window + late(spec, window)
        healthy = _healthy(begun, traffic)
        for metric in plan.metrics:
            tolerated = [factor for factor in FACTORS if _is_tolerated(metric, traffic, factor)]
            harm = {factor: _harm(begun, traffic, metric, factor) for factor in FACTORS if factor not in tolerated}
            yield DecisionTime(
                metric=metric.name,
                scrape_seconds=scrape,
                window_seconds=window,
                weight=first_step(spec).weight / 100 if asks_baseline(spec) else plan.candidate_share,
                safe=_plus(healthy[metric.name], later + metric.delay),
                harm={factor: _plus(harm.get(factor), later + metric.delay) for factor in FACTORS},
                tolerated=tolerated,
            )


def traffic_of(spec: ModelDeploymentSpec, plan: JudgePlan, *, rps: float, bad_share: float) -> Traffic:
    """What is compared at the first step, copies included; beside a baseline twice the candidate's share."""
    copies = 1 + first_step(spec).mirrored / 100
    part = compared_part(spec)
    return Traffic(rps * copies * part, bad_share, plan.candidate_share, max(1, min(full_size(spec), 8)))


def late(spec: ModelDeploymentSpec, window: float) -> float:
    """Seconds until the samples of a window have arrived."""
    return _SAMPLES_LATE + (window / 2 if window > float(spec.analysis.interval_seconds) else 0.0)


def first_step(spec: ModelDeploymentSpec) -> Goal:
    """What the candidate gets at the first step at which it gets any requests."""
    strategy = strategy_for(spec)
    goals = (strategy.goal(spec, step) for step in range(strategy.step_count(spec)))
    return next((goal for goal in goals if goal.asked), Goal(0))


def promotion_seconds(spec: ModelDeploymentSpec, times: Sequence[DecisionTime], *, rps: float) -> float | None:
    """Until a candidate as good as stable has all traffic, without pauses; ``times``: of one scrape interval.

    What is proven at the first step is proven at the next ones: they take their own times only.
    """
    proven = [time.safe for time in times]
    if not times or any(seconds is None for seconds in proven):
        return None
    judged = DWELL_TICKS * times[0].window_seconds + max(m.delay for m in judge_plan(spec).metrics)
    strategy = strategy_for(spec)
    steps = _visited(spec)
    limits = [(limit, strategy.goal(spec, n).asked) for n in steps if (limit := strategy.limits(spec, n)) is not None]
    least = [
        max(judged, limit.min_seconds or 0, 100 * (limit.min_requests or 0) / (rps * asked)) for limit, asked in limits
    ]
    return max(least[0], *(seconds for seconds in proven if seconds is not None)) + sum(least[1:])


def _visited(spec: ModelDeploymentSpec) -> Iterator[int]:
    """Steps that a candidate has which was proven safe at the first one: a ramp leaves out as many as it may."""
    strategy, step = strategy_for(spec), 0
    count = strategy.step_count(spec)
    while step < count:
        yield step
        limits = strategy.limits(spec, step)
        of_ramp = spec.rollout.ramp is not None and limits is not None and not strategy.goal(spec, step).mirrored
        step += max(1, climb(spec.rollout, limits.weight or 0, lambda _: 0.0)) if of_ramp and limits else 1


def _is_tolerated(metric: MetricPlan, traffic: Traffic, factor: float) -> bool:
    """Whether a candidate that is so much worse lies within the tolerance, and below the ceiling."""
    if metric.kind in {"value", "paired", "difference"}:
        return False
    stable = traffic.bad_share if metric.kind == "count" else 1.0
    within = factor * stable <= metric.harm_ratio * stable + metric.harm_absolute
    return within and not _breaks_ceiling(metric, traffic, factor)


def _breaks_ceiling(metric: MetricPlan, traffic: Traffic, factor: float) -> bool:
    return metric.ceiling is not None and factor * traffic.bad_share > metric.ceiling


def _begun(plan: JudgePlan, traffic: Traffic) -> judge.JudgeState:
    """The judge of a rollout whose labels come at once; their delay is added to what it finds."""
    at_once = replace(plan, metrics=tuple(replace(metric, delay=0.0) for metric in plan.metrics))
    return judge.begin(at_once, {m.name: past(m, traffic, plan.interval) for m in plan.metrics}, _START)


def _plus(seconds: float | None, later: float) -> float | None:
    return None if seconds is None else seconds + later


def _healthy(state: judge.JudgeState, traffic: Traffic) -> Mapping[str, float | None]:
    """By metric, when it is proven safe if the candidate is as good as stable."""
    found: dict[str, float | None] = {}
    for windows, reports in _reports(state, traffic, {}):
        for report in reports:
            if report.name not in found and _is_safe(state.plan, report):
                found[report.name] = windows * state.plan.interval
        last, seconds = reports, windows * state.plan.interval
        if len(found) == len(reports):
            break
    for report in last:
        found.setdefault(report.name, _plus(_rest(state.plan, report), seconds))
    return found


def _is_safe(plan: JudgePlan, report: MetricReport) -> bool:
    return report.verdict == "ProvenSafe" or (report.verdict == "Passing" and not _rest(plan, report))


def _rest(plan: JudgePlan, report: MetricReport) -> float | None:
    """Seconds until a metric is safe. A threshold is, once it was looked at often enough to be broken."""
    metric = next(one for one in plan.metrics if one.name == report.name)
    if metric.kind != "value":
        return report.seconds_to_safe
    return max(0.0, metric.failure_limit + 1 - report.na) * plan.interval


def _harm(state: judge.JudgeState, traffic: Traffic, metric: MetricPlan, factor: float) -> float | None:
    """When a candidate that is so much worse in one metric is proven harmful."""
    most = _JUDGED_FOR_CEILING if _breaks_ceiling(metric, traffic, factor) else _JUDGED
    for windows, reports in _reports(state, traffic, {metric.name: factor}, most):
        report = next(one for one in reports if one.name == metric.name)
        seconds = windows * state.plan.interval
        if report.verdict in {"Harmful", "Breached"}:
            return seconds
    return _plus(report.seconds_to_harm, seconds)


def _reports(
    state: judge.JudgeState, traffic: Traffic, faults: Mapping[str, float], most: int = _JUDGED
) -> Iterator[tuple[int, Sequence[MetricReport]]]:
    """The windows judged so far, and what each metric says."""
    interval = state.plan.interval
    samples = {m.name: sample(m, traffic, interval, faults.get(m.name, 1.0)) for m in state.plan.metrics}
    for number in range(most):
        window = Window(state.begun + number * interval, state.begun + (number + 1) * interval)
        state = judge.observe(state, window, samples)
        yield number + 1, judge.assess(state).metrics
