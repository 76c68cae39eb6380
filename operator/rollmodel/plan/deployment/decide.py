"""``decide``: from what was gathered to what should be done about it. Pure: the same input gives the same answer."""

from __future__ import annotations

from collections.abc import Iterator

from rollmodel.plan.decision import Decision, EmitEvent, Event
from rollmodel.plan.deployment.advance import run_to_fixpoint
from rollmodel.plan.deployment.analysis.run import analyse
from rollmodel.plan.deployment.beginning import with_waiting_event
from rollmodel.plan.deployment.objects import desired
from rollmodel.plan.deployment.objects.traffic.routed_rule import follow_rule
from rollmodel.plan.deployment.observed import Observed
from rollmodel.plan.deployment.read_state import read_state
from rollmodel.plan.deployment.requeue import requeue_after
from rollmodel.plan.deployment.status import conditions
from rollmodel.plan.deployment.status.webhook_messages import with_webhook_messages
from rollmodel.plan.deployment.strategies.ends import outbox

__all__ = ["decide"]


def decide(observed: Observed) -> Decision:
    """What should be true next, and why. ``observed.answers`` answer what ``queries(observed)`` asked."""
    rollout = read_state(observed)
    rollout = analyse(rollout)
    rollout = with_waiting_event(run_to_fixpoint(rollout))
    rollout, rules = follow_rule(rollout)
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
            *rules,
            *objects.delete,
            *events,
            *outbox.writes(rollout.state.outbox),
        ),
        requeue_after=requeue_after(rollout),
        sample_age=rollout.analysis.sample_age,
    )
    return with_webhook_messages(observed, decision)


def _of_connection(observed: Observed) -> Iterator[Event]:
    if observed.changed_secret is not None:
        message = (
            f"Secret {observed.changed_secret!r} of `connectionRef` changed: MLflow is asked with what it says now"
        )
        yield Event("Normal", "ConnectionChanged", message)
