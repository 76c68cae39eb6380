"""``decide``: from what was observed to what should be done about it. Pure: equal input gives an equal decision."""

from __future__ import annotations

from collections.abc import Callable

from rollmodel.plan.decision import Decision, EmitEvent
from rollmodel.plan.notifications import About, with_notifications
from rollmodel.plan.training.builder import DecisionBuilder
from rollmodel.plan.training.context import Context, outcome_known
from rollmodel.plan.training.lifecycle.cleanup import clean, close, confirm_alias
from rollmodel.plan.training.lifecycle.run import attempt, find_run
from rollmodel.plan.training.lifecycle.validation import refuse
from rollmodel.plan.training.lifecycle.waits.tracking import limit_wait
from rollmodel.plan.training.observed import Observed
from rollmodel.plan.training.registration.register import move_alias, pass_gates, register
from rollmodel.plan.training.registration.run_metadata import record
from rollmodel.plan.training.schedule.decide import decide_schedule
from rollmodel.plan.training.status import build_status, condition_events

__all__ = ["decide"]

Stage = Callable[[Context, DecisionBuilder], DecisionBuilder]

#: The steps of a run, in order; the first that cannot be made yet ends the pass.
_ARROWS: tuple[Stage, ...] = (refuse, find_run, attempt, pass_gates, register, move_alias)

#: Checked in every pass.
_ALWAYS: tuple[Stage, ...] = (record, close, confirm_alias, clean, limit_wait)

_SOONEST = 0.5


def decide(observed: Observed) -> Decision:
    """What should be true next, and why. ``observed`` holds what ``read_set(observed)`` asked for."""
    decision = _decide_run(observed) if observed.spec.schedule is None else decide_schedule(observed)
    about = About.of("TrainingJob", observed)
    data = {name: decision.status.get(name) for name in ("runId", "experimentId", "modelVersion")}
    return with_notifications(decision, about, now=observed.now, data=data)


def _decide_run(observed: Observed) -> Decision:
    context = Context.of(observed)
    builder = DecisionBuilder(observed.status)
    if not outcome_known(observed.status):
        for arrow in _ARROWS:
            builder = builder if builder.halted else arrow(context, builder)
    for stage in _ALWAYS:
        builder = stage(context, builder)
    new = build_status(context, builder)
    return Decision(
        status=new.to_wire(),
        effects=(*builder.effects, *map(EmitEvent, condition_events(observed.status, new))),
        requeue_after=max(_SOONEST, min(builder.due)) if builder.due else None,
    )
