"""How a ramp goes at expected traffic: the operator's own moves over what a candidate as good as stable would count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.cli.lint.decision_time.expected import Traffic, past, sample
from rollmodel.evidence import judge
from rollmodel.evidence.core.samples import Window
from rollmodel.evidence.core.types import Assessment, JudgePlan, MetricReport
from rollmodel.evidence.expected_harm import expected_harm, notice_seconds
from rollmodel.plan.deployment.analysis.policy import compared_part
from rollmodel.plan.deployment.full_size import full_size
from rollmodel.plan.deployment.routers.router import router_for
from rollmodel.plan.deployment.strategies.baseline.compared import asks_baseline
from rollmodel.plan.deployment.strategies.steps.moves import DWELL_TICKS, StepView, next_move
from rollmodel.plan.deployment.strategies.steps.ramp import canary_steps

__all__ = ["harm_at_start", "ramp_seconds"]

#: Windows that are judged; the judge's own estimate says how long the rest takes.
_JUDGED = 80
_START = 1_700_000_000.0


def harm_at_start(spec: ModelDeploymentSpec, plan: JudgePlan, *, rps: float, late: float) -> float:
    """Requests that a candidate of which every one fails answers at the first weight, before that can be proven."""
    notice = min(notice_seconds(plan, metric, late) for metric in plan.metrics)
    return _share(spec, canary_steps(spec.rollout)[0].weight) * rps * notice


def ramp_seconds(spec: ModelDeploymentSpec, plan: JudgePlan, traffic: Traffic, *, late: float) -> float | None:
    """Seconds from the first weight until a candidate as good as stable has earned all traffic; None for no end."""
    steps, delay = canary_steps(spec.rollout), max(metric.delay for metric in plan.metrics)
    state, at, since, seconds = _begun(plan, traffic), 0, 0.0, 0.0
    for number in range(_JUDGED):
        here = _share(spec, steps[at].weight)
        state = _observed(state, _compared(spec, traffic, here), number, here)
        seconds, said = (number + 1) * plan.interval, judge.assess(state)
        view = StepView(
            said.outcome,
            None,
            step=steps[at].model_copy(update={"max_seconds": None}),
            seconds=seconds - since,
            judged_seconds=seconds - since,
            least_judged_seconds=DWELL_TICKS * plan.interval,
            requests=float("inf"),
            harm=partial(_harm, spec, plan, said.metrics, late=late, now=here if asks_baseline(spec) else None),
        )
        move = next_move(spec.rollout, view)
        if move.kind == "Advance":
            at, since = at + move.steps, seconds
        if at >= len(steps):
            return seconds + late + delay * _weights(spec)
    rest = _rest(said)
    return None if rest is None else seconds + rest + late + delay * _weights(spec)


def _weights(spec: ModelDeploymentSpec) -> int:
    """At how many weights labels are awaited, about."""
    ramp = spec.rollout.ramp
    return 1 if ramp is None else 1 + -(-(ramp.max_weight - ramp.start_weight) // ramp.max_step_weight)


def _rest(said: Assessment) -> float | None:
    """Until all metrics are proven safe, as the judge estimates."""
    left = [0.0 if one.verdict in {"ProvenSafe", "Passing"} else one.seconds_to_safe for one in said.metrics]
    return None if any(one is None for one in left) else max((one or 0.0 for one in left), default=0.0)


def _harm(
    spec: ModelDeploymentSpec,
    plan: JudgePlan,
    reports: Sequence[MetricReport],
    weight: int,
    *,
    late: float,
    now: float | None,
) -> float:
    return expected_harm(plan, reports, share=_share(spec, weight), late=late, now=now)


def _compared(spec: ModelDeploymentSpec, traffic: Traffic, share: float) -> Traffic:
    """What is compared while the candidate has this share; ``traffic``: at the first weight."""
    if not asks_baseline(spec):
        return replace(traffic, candidate_share=share)
    return replace(traffic, rps=traffic.rps * 2 * share / compared_part(spec), candidate_share=0.5)


def _share(spec: ModelDeploymentSpec, weight: int | None) -> float:
    return router_for(spec).share_of(weight or 0, full_size(spec))


def _begun(plan: JudgePlan, traffic: Traffic) -> judge.JudgeState:
    at_once = replace(plan, metrics=tuple(replace(metric, delay=0.0) for metric in plan.metrics))
    return judge.begin(at_once, {m.name: past(m, traffic, plan.interval) for m in plan.metrics}, _START)


def _observed(state: judge.JudgeState, traffic: Traffic, number: int, weight: float) -> judge.JudgeState:
    interval = state.plan.interval
    window = Window(state.begun + number * interval, state.begun + (number + 1) * interval)
    samples = {m.name: sample(m, traffic, interval, 1.0) for m in state.plan.metrics}
    return judge.observe(state, window, samples, weight=weight, share=traffic.candidate_share)
