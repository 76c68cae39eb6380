"""A stable revision that cannot answer: nobody can be compared with it, and there is nothing to go back to."""

from __future__ import annotations

from rollmodel.api.conditions import find
from rollmodel.plan.deployment.rollout import Rollout

__all__ = ["is_outage", "stable_is_down"]

#: A stable revision that has had no ready pod for so long does not merely restart, in seconds.
_RESTART_SECONDS = 60


def stable_is_down(rollout: Rollout) -> bool:
    """Whether the stable revision should serve, and has no ready pod."""
    return rollout.stable is not None and rollout.full_size > 0 and not rollout.live.ready(rollout.stable.revision)


def is_outage(rollout: Rollout) -> bool:
    """Whether it has had none for longer than a restart takes, and nobody stands in."""
    before = find(rollout.observed.status.conditions, "Available")
    if not stable_is_down(rollout) or before is None or before.status != "False":
        return False
    return rollout.seconds_since(before.last_transition_time) >= _RESTART_SECONDS
