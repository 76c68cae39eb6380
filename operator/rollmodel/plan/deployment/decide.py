"""``decide``: from one look at the world to what should be done about it. Pure, and the same for the same look."""

from __future__ import annotations

from rollmodel.plan.decision import Decision
from rollmodel.plan.deployment import children, outbox, status
from rollmodel.plan.deployment.commands import consume
from rollmodel.plan.deployment.look import Look
from rollmodel.plan.deployment.memory import Memory
from rollmodel.plan.deployment.observed import Observed
from rollmodel.plan.deployment.rollout import refresh, settle
from rollmodel.plan.deployment.schedule import next_look
from rollmodel.plan.deployment.verdict import hear

__all__ = ["decide"]


def decide(observed: Observed) -> Decision:
    """What should be true next, and why. ``observed.answers`` answer what ``queries(observed)`` asked."""
    look = Look.of(observed)
    memory = refresh(Memory.recall(observed.status), look)
    memory = consume(memory, look)
    memory, sight = hear(memory, look)
    memory = settle(memory, look, sight)
    applied = children.changes(children.wished(memory, look), look)
    new = status.written(memory, look, sight)
    events = (
        *memory.events,
        *children.restorations(applied, look),
        *status.announcements(observed.status.conditions, new.conditions),
    )
    return Decision(
        status=new.to_wire(),
        apply=applied,
        delete=children.removals(memory, look),
        events=events,
        registry=outbox.writes(memory.outbox),
        requeue_after=next_look(memory, look),
    )
