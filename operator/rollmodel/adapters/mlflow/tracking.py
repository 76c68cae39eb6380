"""MLflow's tracking server as ``ports.Tracking``, through MLflow's own client.

Like the registry's adapter: the login of its connection with each request, threads of its own, nothing process-wide,
and every answer untrusted. What is asked of runs is in ``runs``, of versions in ``versions``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from rollmodel.adapters.bulkhead import Bulkhead, Lane, on_behalf_of
from rollmodel.adapters.mlflow import runs, versions
from rollmodel.adapters.mlflow.connection.client import host_of, translated
from rollmodel.adapters.mlflow.connection.http import Connector
from rollmodel.adapters.mlflow.connection.loading import load
from rollmodel.adapters.mlflow.connection.session import Session
from rollmodel.errors import Unavailable
from rollmodel.plan.decision import CreateRun, CreateVersion, LogRun, SetRunStatus
from rollmodel.plan.timing import Timing
from rollmodel.plan.training.observed import TrackedRun, TrackedVersion
from rollmodel.ports.registry import Connection

__all__ = ["MlflowTracking"]

T = TypeVar("T")


class MlflowTracking:
    """Implements :class:`rollmodel.ports.Tracking`.

    ``timer`` is entered around each call; ``timeout`` is how long a server may be silent, in seconds.
    """

    def __init__(
        self,
        *,
        timeout: float = 10.0,
        timer: Callable[[], AbstractContextManager[None]] = nullcontext,
        timing: Timing = Timing(),  # noqa: B008 - it is frozen
    ) -> None:
        self._timer = timer
        self._timing = timing
        self._connect = Connector(timeout)
        self._lanes = Bulkhead("tracking", threads=12, per_lane=3, initializer=load)

    async def find_run(self, connection: Connection, experiment: str, owner: str) -> TrackedRun | None:
        """The oldest run of this experiment with this owner."""
        return await self._call(connection, lambda session: runs.find(session, experiment, owner), urgent=True)

    async def find_rerun(self, connection: Connection, experiment_id: str, hash_: str, *, but: str) -> str | None:
        """The oldest finished run with this reproducibility hash that is another one."""
        return await self._call(connection, lambda session: runs.rerun(session, experiment_id, hash_, but))

    async def get_run(self, connection: Connection, run_id: str) -> TrackedRun:
        """A run as it is now."""
        return await self._call(connection, lambda session: runs.get(session, run_id))

    async def history(self, connection: Connection, run_id: str, metric: str) -> Sequence[float]:
        """The values of a metric, by step."""
        return await self._call(connection, lambda session: runs.history(session, run_id, metric))

    async def artifacts(self, connection: Connection, run_id: str, paths: Sequence[str]) -> frozenset[str]:
        """Which of these paths exist among the run's artifacts; the server lists them, nothing is opened."""
        return await self._call(connection, lambda session: runs.artifacts(session, run_id, paths))

    async def version_of(self, connection: Connection, model: str, owner: str) -> TrackedVersion | None:
        """The lowest version of a model with this owner."""
        return await self._call(connection, lambda session: versions.of(session, model, owner))

    async def version_at(self, connection: Connection, model: str, alias: str) -> TrackedVersion | None:
        """The version that an alias names."""
        return await self._call(connection, lambda session: versions.at(session, model, alias))

    async def model_owner(self, connection: Connection, model: str) -> str | None:
        """The namespace for which this registered model was made."""
        return await self._call(connection, lambda session: versions.owner_of(session, model), urgent=True)

    async def create_run(self, connection: Connection, write: CreateRun, *, owner: str | None = None) -> TrackedRun:
        """Create a run, and its experiment if that is absent."""
        return await self._call(connection, lambda session: runs.create(session, write, owner), urgent=True)

    async def log_run(self, connection: Connection, write: LogRun) -> None:
        """Log params, inputs and tags."""
        await self._call(connection, lambda session: runs.log(session, write))

    async def set_run_status(self, connection: Connection, write: SetRunStatus) -> None:
        """Set the state of a run."""
        await self._call(connection, lambda session: runs.set_status(session, write))

    async def create_version(self, connection: Connection, write: CreateVersion, *, owner: str | None = None) -> str:
        """Create a version from a run's model; its number."""
        return await self._call(connection, lambda session: versions.create(session, write, owner))

    def close(self) -> None:
        """Let go of threads and sockets."""
        self._lanes.close()
        self._connect.close()

    async def _call(self, connection: Connection, ask: Callable[[Session], T], *, urgent: bool = False) -> T:
        """``urgent``: a pod waits for it. Of what else a run asks, most comes when its pods have ended."""
        requests = self._connect(connection, until=time.monotonic() + self._timing.last_request)

        def work() -> T:
            with translated(connection):
                return ask(Session(requests))

        try:
            with self._timer():
                lane, owner, seconds = Lane.of(connection), on_behalf_of(connection), self._timing.call
                return await self._lanes.run(lane, work, seconds=seconds, total=seconds, owner=owner, urgent=urgent)
        except TimeoutError:
            raise Unavailable(f"MLflow at {host_of(connection)} did not answer in time") from None
