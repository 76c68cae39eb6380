"""How many pods take all traffic. Nothing else reads ``scale.replicas``.

An autoscaler sees pods that the traffic is spread over, and asks for as many as their load takes together. A candidate
that fails early, or is cheap, hides the load of its share; so does its end, because within its tolerance an autoscaler
repeats the number that is asked for and not the number that is there. So a smaller size is not believed at once while a
candidate has traffic, nor soon after.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from rollmodel.api.modeldeployment import HeldSize, ModelDeploymentSpec
from rollmodel.plan.times import parse, stamp

__all__ = ["SETTLE_SECONDS", "STEP_SECONDS", "during_rollout", "full_size", "settled"]

#: How long after a rollout the size is kept: what an autoscaler looks back on before it scales down, by default.
SETTLE_SECONDS = 300

#: Then a tenth of the pods goes, at least one, this often: an autoscaler sees what comes of it before the next goes.
STEP_SECONDS = 120


def full_size(spec: ModelDeploymentSpec, held: HeldSize | None = None) -> int:
    """Pods that take all traffic now; 0 while the deployment is scaled to zero."""
    asked = spec.scale.replicas
    return max(asked, held.replicas) if held is not None and asked else asked


def during_rollout(before: HeldSize | None, *, asked: int, has: int, share: int) -> HeldSize | None:
    """What is kept while a candidate may answer up to ``share`` percent of the traffic, and ``has`` pods take all.

    If the candidate's share costs nothing, ``asked`` pods carry the rest: all traffic takes ``asked / (1 - share)``.
    """
    has = before.replicas if before is not None else has
    most = has if share >= 100 else min(has, -(-asked * 100 // (100 - share)))
    return HeldSize(replicas=most) if 0 < asked < most else None


def settled(before: HeldSize | None, *, asked: int, has: int, now: datetime, ended: str | None) -> HeldSize | None:
    """What is kept without a candidate; ``ended`` is when the last one lost or won.

    The size stays for a while, then goes down step by step, and at once to a size that is asked for after that.
    """
    if before is None:
        recent = ended is not None and (now - parse(ended)).total_seconds() < SETTLE_SECONDS
        return HeldSize(replicas=has, until=_later(now, SETTLE_SECONDS)) if recent and 0 < asked < has else None
    if asked == 0 or asked >= before.replicas or before.asked not in {None, asked}:
        return None
    if before.until is None:
        return HeldSize(replicas=before.replicas, until=_later(now, SETTLE_SECONDS))
    if now < parse(before.until):
        return before
    left = before.replicas - max(1, before.replicas // 10)
    return HeldSize(replicas=left, until=_later(now, STEP_SECONDS), asked=asked) if left > asked else None


def _later(now: datetime, seconds: int) -> str:
    return stamp(now + timedelta(seconds=seconds))
