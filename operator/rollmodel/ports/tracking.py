"""The tracking server (MLflow): runs, and the versions made from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rollmodel.plan.decision import CreateRun, CreateVersion, LogRun, SetRunStatus
from rollmodel.plan.training.observed import TrackedRun, TrackedVersion
from rollmodel.ports.registry import Connection

__all__ = ["Tracking"]


class Tracking(Protocol):
    """The tracking server (MLflow): runs, and the versions made from them.

    Every method raises NotFound, Forbidden, Invalid or Unavailable; writes are idempotent but for the two ``create_*``.
    """

    async def find_run(self, connection: Connection, experiment: str, owner: str) -> TrackedRun | None:
        """The oldest run of this experiment (by name) whose tag ``rollmodel.dev/owner`` is ``owner``."""
        ...

    async def find_rerun(self, connection: Connection, experiment_id: str, hash_: str, *, but: str) -> str | None:
        """Id of the oldest FINISHED run with this ``rollmodel.dev/reproducibility-hash`` that is not ``but``."""
        ...

    async def get_run(self, connection: Connection, run_id: str) -> TrackedRun:
        """A run as it is now."""
        ...

    async def history(self, connection: Connection, run_id: str, metric: str) -> Sequence[float]:
        """The last value of each step of a metric, by step; empty where it was never logged. Not more than 1,000."""
        ...

    async def artifacts(self, connection: Connection, run_id: str, paths: Sequence[str]) -> frozenset[str]:
        """Which of these paths exist among the run's artifacts."""
        ...

    async def version_of(self, connection: Connection, model: str, owner: str) -> TrackedVersion | None:
        """The lowest version of a model whose tag ``rollmodel.dev/owner`` is ``owner``."""
        ...

    async def version_at(self, connection: Connection, model: str, alias: str) -> TrackedVersion | None:
        """The version that an alias names; None where there is no such model or alias. Always asked anew."""
        ...

    async def model_owner(self, connection: Connection, model: str) -> str | None:
        """The namespace for which this registered model was made; None where none says so, or there is no model."""
        ...

    async def create_run(self, connection: Connection, write: CreateRun, *, owner: str | None = None) -> TrackedRun:
        """Create a run; returns it as it was made. ``owner`` is the namespace in whose name; None: nobody is asked.

        Raises Forbidden (``OwnedByAnother``) where the experiment was made for another namespace.
        """
        ...

    async def log_run(self, connection: Connection, write: LogRun) -> None:
        """Log params, inputs and tags."""
        ...

    async def set_run_status(self, connection: Connection, write: SetRunStatus) -> None:
        """Set the state of a run."""
        ...

    async def create_version(self, connection: Connection, write: CreateVersion, *, owner: str | None = None) -> str:
        """Create a version from a run's logged model; returns its number.

        Raises NotFound (reason ``ModelNotLogged``) where the run has no model at that path, and Forbidden
        (``OwnedByAnother``) where the registered model was made for another namespace.
        """
        ...
