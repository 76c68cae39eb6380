"""``decide``: from one look at the world to what should be done about it. Pure, and the same for the same look."""

from __future__ import annotations

from collections.abc import Callable

from rollmodel.plan.decision import Decision
from rollmodel.plan.training.builder import Draft
from rollmodel.plan.training.context import Look, outcome_known
from rollmodel.plan.training.lifecycle.cleanup import clean, close, confirm_alias
from rollmodel.plan.training.lifecycle.run import attempt, find_run
from rollmodel.plan.training.lifecycle.validation import refuse
from rollmodel.plan.training.observed import Observed
from rollmodel.plan.training.registration.register import move_alias, pass_gates, register
from rollmodel.plan.training.registration.run_metadata import record
from rollmodel.plan.training.schedule.decide import decide_schedule
from rollmodel.plan.training.status import announcements, written

__all__ = ["decide"]

Stage = Callable[[Look, Draft], Draft]

#: The arrows of a run, in order; the first that cannot be made yet ends the pass.
_ARROWS: tuple[Stage, ...] = (refuse, find_run, attempt, pass_gates, register, move_alias)

#: What is looked after in every pass.
_ALWAYS: tuple[Stage, ...] = (record, close, confirm_alias, clean)

_SOONEST = 0.5


def decide(observed: Observed) -> Decision:
    """What should be true next, and why. ``observed`` holds what ``wants(observed)`` asked for."""
    return _decide_run(observed) if observed.spec.schedule is None else decide_schedule(observed)


def _decide_run(observed: Observed) -> Decision:
    look = Look.of(observed)
    draft = Draft(observed.status)
    if not outcome_known(observed.status):
        for arrow in _ARROWS:
            draft = draft if draft.halted else arrow(look, draft)
    for stage in _ALWAYS:
        draft = stage(look, draft)
    new = written(look, draft)
    return Decision(
        status=new.to_wire(),
        apply=draft.apply,
        delete=draft.delete,
        events=tuple(announcements(observed.status, new)),
        registry=draft.registry,
        tracking=draft.tracking,
        requeue_after=max(_SOONEST, min(draft.due)) if draft.due else None,
    )
