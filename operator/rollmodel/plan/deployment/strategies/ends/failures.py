"""What ends a rollout in any state: pods that crash, proof of harm, blindness that lasts too long."""

from __future__ import annotations

from rollmodel.api.modeldeployment import OnBlind
from rollmodel.plan.deployment.analysis.missing.silence import SILENT
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.status.pod_diagnostics import diagnose
from rollmodel.plan.deployment.strategies.ends import transitions
from rollmodel.plan.deployment.strategies.outages.outage import stable_is_down
from rollmodel.plan.deployment.strategies.steps import stages
from rollmodel.plan.deployment.strategies.steps.judged_step import is_silent, leave_for_harm
from rollmodel.plan.deployment.strategies.steps.moves import PROOFS_OF_HARM

__all__ = ["failed"]


def failed(rollout: Rollout) -> Rollout | None:
    """The rollout after such an end, or after the pause that the policy asks for; None where nothing has failed."""
    candidate = stages.candidate_of(rollout)
    trouble = diagnose(rollout.context, candidate.revision)
    if trouble is not None and trouble.fatal:
        return stages.take_back(rollout, trouble, trouble.message, by="pods")
    if stages.forced(candidate):
        return None
    if rollout.analysis.outcome(candidate.revision) in PROOFS_OF_HARM:
        return leave_for_harm(rollout)
    return _blind_too_long(rollout)


def _blind_too_long(rollout: Rollout) -> Rollout | None:
    blind_since, policy = rollout.analysis.blind_since, rollout.spec.rollout
    if blind_since is None or policy.on_blind is not OnBlind.ROLL_BACK or stable_is_down(rollout):
        return None  # where stable is down there is nothing to go back to
    blind_for = (rollout.now - blind_since).total_seconds()
    if blind_for < policy.max_blind_seconds:
        return None
    silent = is_silent(rollout)
    message = f"no {'answer' if silent else 'metrics'} for {blind_for:.0f} s: {rollout.analysis.message}"
    reason = SILENT if silent else "Blind"
    return transitions.roll_back(
        rollout, reason=reason, message=message, by="blindness", blamed=False, again=not silent
    )
