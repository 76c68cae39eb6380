"""``decide``: from one look at the world to what should be done about it. Pure, and the same for the same look."""

from __future__ import annotations

from rollmodel.plan.decision import Decision
from rollmodel.plan.deployment.advance import refresh, settle
from rollmodel.plan.deployment.analysis.run import hear
from rollmodel.plan.deployment.context import Look
from rollmodel.plan.deployment.objects import desired
from rollmodel.plan.deployment.observed import Observed
from rollmodel.plan.deployment.requeue import next_look
from rollmodel.plan.deployment.state import Memory
from rollmodel.plan.deployment.status import conditions
from rollmodel.plan.deployment.strategies import outbox
from rollmodel.plan.deployment.strategies.commands import consume

__all__ = ["decide"]


def decide(observed: Observed) -> Decision:
    """What should be true next, and why. ``observed.answers`` answer what ``queries(observed)`` asked."""
    look = Look.of(observed)
    memory = refresh(Memory.recall(observed.status), look)
    memory = consume(memory, look)
    memory, sight = hear(memory, look)
    memory = settle(memory, look, sight)
    applied = desired.changes(desired.wished(memory, look), look)
    new = conditions.written(memory, look, sight)
    events = (
        *memory.events,
        *desired.restorations(applied, look),
        *conditions.announcements(observed.status.conditions, new.conditions),
    )
    return Decision(
        status=new.to_wire(),
        apply=applied,
        delete=desired.removals(memory, look),
        events=events,
        registry=outbox.writes(memory.outbox),
        requeue_after=next_look(memory, look),
    )
