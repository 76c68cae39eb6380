"""``decide``: from one look at the world to what should be done about it. Pure, and the same for the same look."""

from __future__ import annotations

from rollmodel.plan.decision import Decision
from rollmodel.plan.deployment.advance import observe_arms, run_to_fixpoint
from rollmodel.plan.deployment.analysis.run import analyse
from rollmodel.plan.deployment.context import Context
from rollmodel.plan.deployment.objects import desired
from rollmodel.plan.deployment.observed import Observed
from rollmodel.plan.deployment.requeue import requeue_after
from rollmodel.plan.deployment.state import RolloutState
from rollmodel.plan.deployment.status import conditions
from rollmodel.plan.deployment.strategies import outbox
from rollmodel.plan.deployment.strategies.commands import consume

__all__ = ["decide"]


def decide(observed: Observed) -> Decision:
    """What should be true next, and why. ``observed.answers`` answer what ``queries(observed)`` asked."""
    context = Context.of(observed)
    state = observe_arms(RolloutState.from_status(observed.status), context)
    state = consume(state, context)
    state, analysis = analyse(state, context)
    state = run_to_fixpoint(state, context, analysis)
    applied = desired.changes(desired.desired_objects(state, context), context)
    new = conditions.build_status(state, context, analysis)
    events = (
        *state.events,
        *desired.restorations(applied, context),
        *conditions.condition_events(observed.status.conditions, new.conditions),
    )
    return Decision(
        status=new.to_wire(),
        apply=applied,
        delete=desired.removals(state, context),
        events=events,
        registry=outbox.writes(state.outbox),
        requeue_after=requeue_after(state, context),
    )
