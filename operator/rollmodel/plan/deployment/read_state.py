"""A rollout as a pass finds it: what was gathered is put in, and a person's command is carried out."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

from rollmodel.plan.deployment.advance import observe_arms
from rollmodel.plan.deployment.beginning import is_free, next_revision
from rollmodel.plan.deployment.context import Context
from rollmodel.plan.deployment.held_size import hold_size
from rollmodel.plan.deployment.observed import Observed
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.state import RolloutState
from rollmodel.plan.deployment.strategies.commands import consume
from rollmodel.plan.deployment.strategies.ends import outbox
from rollmodel.plan.deployment.strategies.requirements import unmet
from rollmodel.plan.deployment.strategies.table import strategy_for

__all__ = ["BeginRequest", "begin_request", "read_state"]


class BeginRequest(Enum):
    """What an object asks those rules for that say which rollouts may begin."""

    NOTHING = "Nothing"
    BEGIN = "Begin"
    BEGIN_FREELY = "BeginFreely"
    """It begins whatever they say, see :func:`rollmodel.plan.deployment.beginning.is_free`."""


def read_state(observed: Observed) -> Rollout:
    """The rollout before anything is judged or moved in this pass."""
    rollout = Rollout(RolloutState.from_status(observed.status), _context(observed), strategy_for(observed.spec))
    rollout = rollout.with_state(outbox=outbox.current(rollout.state.outbox, observed.spec.model.registry))
    return consume(hold_size(observe_arms(rollout)))


def begin_request(observed: Observed) -> BeginRequest:
    """What this pass would begin, beside what serves. Only asked where there are rules: it is half a decision."""
    if observed.status.stable is None or observed.status.candidate is not None:
        return BeginRequest.NOTHING
    rollout = read_state(observed)
    if next_revision(rollout) is None:
        return BeginRequest.NOTHING
    return BeginRequest.BEGIN_FREELY if is_free(rollout) else BeginRequest.BEGIN


def _context(observed: Observed) -> Context:
    """What was gathered; nothing is wanted where the router cannot do what the strategy needs."""
    context, problem = Context.of(observed), unmet(observed.spec)
    return context if problem is None else replace(context, wanted=None, problem=problem)
