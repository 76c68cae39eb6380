"""What was observed, sorted for decisions: which attempt is current, and which of its objects exist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rollmodel.api.conditions import find
from rollmodel.api.trainingjob import Attempts, TrainingJobSpec, TrainingJobStatus
from rollmodel.plan import naming
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.times import seconds_since
from rollmodel.plan.timing import Timing
from rollmodel.plan.training.names import FINAL_STATES
from rollmodel.plan.training.observed import Observed, TrackedRun

__all__ = ["TRAINED", "Context", "closed", "outcome_known", "settles_in", "settling", "trained"]

#: Reason of the condition ``Running`` once the pods have succeeded: the next steps need no Job.
TRAINED = "Trained"


def outcome_known(status: TrainingJobStatus) -> bool:
    """Whether ``Succeeded`` is True or False, which never changes again."""
    succeeded = find(status.conditions, "Succeeded")
    return succeeded is not None and succeeded.status != "Unknown"


def trained(status: TrainingJobStatus) -> bool:
    """Whether the pods have succeeded, so that only MLflow is left."""
    running = find(status.conditions, "Running")
    return running is not None and running.reason == TRAINED


def closed(status: TrainingJobStatus) -> bool:
    """Whether the run says all that it should say about a run that has ended."""
    busy = [find(status.conditions, kind) for kind in ("Reconciling", "Stalled")]
    return outcome_known(status) and all(one is not None and one.status == "False" for one in busy)


@dataclass(frozen=True, slots=True)
class Context:
    """What all stages see.

    ``attempt`` is the number of the current attempt, None between two; ``seen`` says whether its Job has been seen
    (else it is, or is about to be, created); ``job`` is that Job, where it is there.
    """

    observed: Observed
    attempt: int | None
    seen: bool
    job: Manifest | None

    @classmethod
    def of(cls, observed: Observed) -> Context:
        """Find the current attempt. ``attempts.started`` counts a Job from when it was seen on."""
        status = observed.status
        started = (status.attempts or Attempts()).started
        attempt = None
        if status.job_name is not None:
            attempt = started if status.job_name == naming.job(observed.name, started) else started + 1
        job = next((job for job in _jobs(observed) if job["metadata"]["name"] == status.job_name), None)
        return cls(observed, attempt, attempt == started, job)

    @property
    def spec(self) -> TrainingJobSpec:
        """The desired state."""
        return self.observed.spec

    @property
    def status(self) -> TrainingJobStatus:
        """The status as it was read."""
        return self.observed.status

    @property
    def now(self) -> datetime:
        """The time of this pass."""
        return self.observed.now

    @property
    def timing(self) -> Timing:
        """How patient this operator is."""
        return self.observed.defaults.timing

    @property
    def run(self) -> TrackedRun | None:
        """The run, where it could be read."""
        return self.observed.run if isinstance(self.observed.run, TrackedRun) else None

    @property
    def jobs(self) -> Sequence[Manifest]:
        """Jobs of all attempts that are not being deleted."""
        return _jobs(self.observed)

    @property
    def suspended(self) -> bool:
        """Whether nothing new may start."""
        return self.spec.suspend is not None

    def seconds_since(self, moment: str | None) -> float:
        """Seconds since a time of status, see :func:`rollmodel.plan.times.seconds_since`."""
        return seconds_since(moment, self.now)


def settling(context: Context) -> bool:
    """Whether all is done and read back but for the last look at the alias, which waits for requests of other runs."""
    status = context.status
    registered = status.model_version is not None and context.spec.registration is not None
    return registered and outcome_known(status) and status.run_status in FINAL_STATES and settles_in(context) > 0


def settles_in(context: Context) -> float:
    """Seconds until every request that was under way at the end has been answered or given up."""
    return context.timing.claim - context.seconds_since(context.status.completion_time)


def _jobs(observed: Observed) -> list[Manifest]:
    return [
        child
        for child in observed.children
        if child["kind"] == "Job" and not child["metadata"].get("deletionTimestamp")
    ]
