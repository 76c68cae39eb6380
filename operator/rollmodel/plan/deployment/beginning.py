"""Whether a new revision begins: what is wanted is compared with what serves, and rules of others may hold it up."""

from __future__ import annotations

from rollmodel.api.conditions import find
from rollmodel.plan.conditions import ConditionDraft
from rollmodel.plan.coordination.hold import NOT_ASKED, Hold
from rollmodel.plan.coordination.standing import WAITING
from rollmodel.plan.deployment.objects.revision import Revision
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.routers.traffic import ADDRESS_TAKEN
from rollmodel.plan.deployment.strategies.commands import previous_revision
from rollmodel.plan.deployment.strategies.outages.outage import is_outage
from rollmodel.plan.times import parse

__all__ = ["held", "is_free", "is_rejected", "next_revision", "waiting_condition", "with_waiting_event"]


def next_revision(rollout: Rollout) -> Revision | None:
    """What would begin now: it is not what serves, it has not lost, and nothing else has traffic."""
    revision, stable = rollout.wanted, rollout.stable
    if revision is None or rollout.candidate is not None:
        return None
    if stable is None:
        return revision
    if stable.revision == revision.id or is_rejected(rollout):
        return None
    others_quiet = all(arm.weight == 0 for arm in rollout.retiring if arm.revision != revision.id)
    has_requests = rollout.traffic.reason != ADDRESS_TAKEN
    return revision if others_quiet and has_requests and rollout.traffic.weights is not None else None


def is_rejected(rollout: Rollout) -> bool:
    """Whether what is wanted has lost, and it is not time to try it again."""
    lost, wanted = rollout.state.rejected, rollout.wanted
    if lost is None or wanted is None or lost.revision != wanted.id:
        return False
    return lost.retry_at is None or rollout.now < parse(lost.retry_at)


def is_free(rollout: Rollout) -> bool:
    """Whether no rule holds up what would begin now.

    An installation, and what mends an outage: nothing serves that could be harmed. What has no pods. And the way back
    to the revision that the one which serves has replaced.
    """
    stable, revision = rollout.stable, rollout.wanted
    if stable is None or revision is None or rollout.full_size == 0 or is_outage(rollout):
        return True
    return previous_revision(rollout.state.history, stable.revision) == revision.id


def held(rollout: Rollout) -> Hold | None:
    """Why what would begin now does not; None where nothing would, or it may."""
    hold = rollout.observed.hold
    return None if hold is None or next_revision(rollout) is None or is_free(rollout) else hold


def with_waiting_event(rollout: Rollout) -> Rollout:
    """With an Event as it begins to wait."""
    hold, revision = held(rollout), next_revision(rollout)
    before = find(rollout.observed.status.conditions, WAITING)
    if hold is None or hold is NOT_ASKED or revision is None or (before is not None and before.status == "True"):
        return rollout
    return rollout.with_event("Normal", "RolloutWaiting", f"{revision.label} waits: {hold.message}")


def waiting_condition(rollout: Rollout) -> dict[str, ConditionDraft]:
    """The condition, where a rollout waits or has waited. It stays while nobody can tell, and so does the place."""
    hold, revision = held(rollout), next_revision(rollout)
    before = find(rollout.observed.status.conditions, WAITING)
    if hold is not None and hold is not NOT_ASKED and revision is not None:
        return {WAITING: ConditionDraft("True", hold.reason, f"{revision.label} waits: {hold.message}")}
    if before is None:
        return {}
    if before.status == "True" and _is_undone(rollout):
        return {WAITING: ConditionDraft("True", before.reason, before.message)}
    return {WAITING: ConditionDraft("False", "MayBegin", "")}


def _is_undone(rollout: Rollout) -> bool:
    """Whether something else than what serves may still be wanted, and has not begun."""
    wanted, stable = rollout.wanted, rollout.stable
    if rollout.candidate is not None or stable is None:
        return False
    return wanted is None or (wanted.id != stable.revision and not is_rejected(rollout) and not is_free(rollout))
