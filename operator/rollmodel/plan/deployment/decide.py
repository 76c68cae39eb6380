"""``decide``: from what was gathered to what should be done about it. Pure: the same input gives the same answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rollmodel.plan.decision import Decision, EmitEvent, Event
from rollmodel.plan.deployment.advance import observe_arms, run_to_fixpoint
from rollmodel.plan.deployment.analysis.run import analyse
from rollmodel.plan.deployment.context import Context
from rollmodel.plan.deployment.held_size import hold_size
from rollmodel.plan.deployment.objects import desired
from rollmodel.plan.deployment.observed import Observed
from rollmodel.plan.deployment.requeue import requeue_after
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.state import RolloutState
from rollmodel.plan.deployment.status import conditions
from rollmodel.plan.deployment.status.news import with_news
from rollmodel.plan.deployment.strategies.commands import consume
from rollmodel.plan.deployment.strategies.ends import outbox
from rollmodel.plan.deployment.strategies.requirements import unmet
from rollmodel.plan.deployment.strategies.strategy import strategy_for

__all__ = ["decide"]


def decide(observed: Observed) -> Decision:
    """What should be true next, and why. ``observed.answers`` answer what ``queries(observed)`` asked."""
    rollout = Rollout(RolloutState.from_status(observed.status), _context(observed), strategy_for(observed.spec))
    rollout = rollout.with_state(outbox=outbox.current(rollout.state.outbox, observed.spec.model.registry))
    rollout = hold_size(observe_arms(rollout))
    rollout = consume(rollout)
    rollout = analyse(rollout)
    rollout = run_to_fixpoint(rollout)
    objects = desired.changed_objects(rollout)
    status = conditions.build_status(rollout)
    events = (
        *map(EmitEvent, _of_connection(observed)),
        *map(EmitEvent, rollout.state.events),
        *objects.events,
        *map(
            EmitEvent,
            conditions.condition_events(observed.status.conditions, status.conditions, rollout.state.events),
        ),
    )
    decision = Decision(
        status=status.to_wire(),
        effects=(
            *objects.apply,
            *objects.delete,
            *events,
            *outbox.writes(rollout.state.outbox),
        ),
        requeue_after=requeue_after(rollout),
        sample_age=rollout.analysis.sample_age,
    )
    return with_news(observed, decision)


def _of_connection(observed: Observed) -> Iterator[Event]:
    if observed.changed_secret is not None:
        message = (
            f"Secret {observed.changed_secret!r} of `connectionRef` changed: MLflow is asked with what it says now"
        )
        yield Event("Normal", "ConnectionChanged", message)


def _context(observed: Observed) -> Context:
    """What was gathered; nothing is wanted where the router cannot do what the strategy needs."""
    context, problem = Context.of(observed), unmet(observed.spec)
    return context if problem is None else replace(context, wanted=None, problem=problem)
