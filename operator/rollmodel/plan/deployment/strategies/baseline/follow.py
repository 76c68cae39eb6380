"""When there is a baseline: from before the first step to the end of its candidate, whatever that end is.

This is the only place where one begins or is retired. It begins before the first step only, so that a rollout does not
change in the middle what it compares; it is given up at any time, when the spec no longer asks for it.
"""

from __future__ import annotations

from rollmodel.api.modeldeployment import ArmStatus
from rollmodel.plan.deployment.objects.baseline import baseline_id
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.state import change
from rollmodel.plan.deployment.strategies.baseline.compared import asks_baseline
from rollmodel.plan.deployment.strategies.ends import transitions
from rollmodel.plan.deployment.strategies.outages.outage import is_outage
from rollmodel.plan.deployment.strategies.steps.stages import forced
from rollmodel.plan.times import stamp

__all__ = ["follow_baseline"]


def follow_baseline(rollout: Rollout) -> Rollout:
    """The rollout with the baseline that it should have."""
    wanted, present = _wanted(rollout), rollout.baseline
    if present is not None:
        return rollout if present.revision == wanted else _given_up(rollout, present)
    if wanted is None or rollout.candidate is None or rollout.candidate.step != -1:
        return rollout
    return _begun(rollout, wanted)


def _wanted(rollout: Rollout) -> str | None:
    """Its revision, while there is somebody to compare; a person who promotes does not wait for a comparison.

    Nor does one that begins while stable is down: pods of stable would not come either, and one that answers serves.
    """
    stable, candidate = rollout.stable, rollout.candidate
    if stable is None or candidate is None or candidate.step is None or forced(candidate):
        return None
    if candidate.step < 0 and is_outage(rollout):
        return None
    can = rollout.router.capabilities.exact_weights and rollout.strategy.needs.surge
    return baseline_id(stable.revision, candidate.revision) if asks_baseline(rollout.spec) and can else None


def _begun(rollout: Rollout, revision: str) -> Rollout:
    """With a baseline; one that is still being drained comes back with the pods that it has."""
    assert rollout.stable is not None and rollout.candidate is not None  # noqa: S101, PT018 - there is one to compare
    stable, label = rollout.stable, rollout.label(rollout.candidate.revision)
    returning = next((arm for arm in rollout.retiring if arm.revision == revision), ArmStatus(revision=revision))
    arm = change(
        returning,
        model_version=stable.model_version,
        digest=stable.digest,
        since=stamp(rollout.now),
        started=stamp(rollout.now),
        retiring=None,
        reason=None,
    )
    message = f"fresh pods of {rollout.label(stable.revision)} (revision {revision}) are started beside {label}"
    left = tuple(one for one in rollout.retiring if one.revision != revision)
    return rollout.with_state(baseline=arm, retiring=left).with_event("Normal", "BaselineStarted", message)


def _given_up(rollout: Rollout, arm: ArmStatus) -> Rollout:
    """Its weight goes, then its pods."""
    retired = transitions.retired(rollout, arm, "Superseded", "its candidate has ended")
    gone = rollout.with_state(baseline=None, retiring=(*rollout.retiring, retired))
    if rollout.candidate is None or rollout.stable is None:
        return gone
    label, stable = rollout.label(rollout.candidate.revision), rollout.label(rollout.stable.revision)
    retired = change(retired, reason=f"{label} is not compared with it any more")
    gone = gone.with_state(retiring=(*rollout.retiring, retired))
    message = f"{label} is not compared with fresh pods of {stable} from now on"
    return gone if forced(rollout.candidate) else gone.with_event("Normal", "BaselineGivenUp", message)
