"""What a pass must look at, from the object and its children alone: nothing at rest."""

from __future__ import annotations

from rollmodel.plan.training.context import Look, closed, outcome_known, trained
from rollmodel.plan.training.inputs import pins
from rollmodel.plan.training.lifecycle.active import needs_pods
from rollmodel.plan.training.lifecycle.job_outcome import job_condition
from rollmodel.plan.training.lifecycle.validation import refusals
from rollmodel.plan.training.observed import Observed, Wants

__all__ = ["wants"]


def wants(observed: Observed) -> Wants:
    """What ``decide`` will need to see."""
    look, status, spec = Look.of(observed), observed.status, observed.spec
    if spec.schedule is not None or closed(status):
        return Wants()
    if outcome_known(status):
        return Wants(run=True, version=status.model_version is not None)
    if status.run_id is None and (look.suspended or any(refusals(spec))):
        return Wants()
    done = trained(status) or (look.job is not None and job_condition(look.job, "Complete") is not None)
    queued = look.job is not None and bool(look.job["spec"].get("suspend"))
    return Wants(
        run=True,
        gates=done and spec.gates is not None and not status.gates,
        version=done and spec.registration is not None,
        pods=_pods(look),
        workloads=spec.queue_name is not None and queued,
        aliases=pins.unresolved_aliases(spec, status.inputs) if look.attempt is None else (),
        rerun_of=status.reproducibility.hash if done and status.reproducibility else None,
    )


def _pods(look: Look) -> bool:
    """While they know something new: why they do not run, what they read, how they ended."""
    if trained(look.status) or look.attempt is None:
        return False
    if look.job is None:
        return look.seen
    ended = job_condition(look.job, "Complete") or job_condition(look.job, "Failed")
    return ended is not None or (not look.job["spec"].get("suspend") and needs_pods(look, look.job))
