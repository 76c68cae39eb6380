"""Read what gates compare: a run's metrics and artifacts, and those of the run that the champion came from."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from rollmodel.api.trainingjob import TrainingJobSpec
from rollmodel.plan.problem import Problem
from rollmodel.plan.training.names import with_histories
from rollmodel.plan.training.observed import Champion, GateFacts, TrackedRun
from rollmodel.ports.registry import Connection
from rollmodel.ports.tracking import Tracking
from rollmodel.reconcile.answered import answered

__all__ = ["GateFactsReader"]


class GateFactsReader:
    """Asks the tracking server. What cannot be read is a problem in its place, and the plan decides what that means."""

    def __init__(self, tracking: Tracking) -> None:
        self._tracking = tracking

    async def read(self, connection: Connection, spec: TrainingJobSpec, run: TrackedRun) -> GateFacts:
        """What the gates of this spec compare, of the run and of the champion."""
        histories, champion, artifacts = await asyncio.gather(
            self._histories(connection, spec, run),
            self._champion(connection, spec),
            self._artifacts(connection, spec, run),
        )
        if isinstance(histories, Problem):  # what cannot be read now is waited for, or fails the gates that need it
            return GateFacts({}, histories, histories)
        return GateFacts(histories, champion, artifacts)

    async def _histories(
        self, connection: Connection, spec: TrainingJobSpec, run: TrackedRun
    ) -> Mapping[str, Sequence[float]] | Problem:
        found: dict[str, Sequence[float]] = {}
        for name in with_histories(spec):
            if name in run.metrics:
                values = await answered(self._tracking.history(connection, run.id, name))
                if isinstance(values, Problem):
                    return values
                found[name] = values
        return found

    async def _champion(self, connection: Connection, spec: TrainingJobSpec) -> Champion | Problem | None:
        if spec.registration is None or not with_histories(spec):
            return None
        model, alias = spec.registration.model, spec.registration.champion_alias
        version = await answered(self._tracking.version_at(connection, model, alias))
        if version is None or isinstance(version, Problem):
            return version
        if version.run_id is None:
            message = f"version {version.version} of {model!r}, the champion, does not say which run it came from"
            return Problem("ChampionWithoutRun", message, transient=False)
        run = await answered(self._tracking.get_run(connection, version.run_id))
        if isinstance(run, Problem):
            return run
        histories = await self._histories(connection, spec, run)
        return histories if isinstance(histories, Problem) else Champion(version.version, run.metrics, histories)

    async def _artifacts(
        self, connection: Connection, spec: TrainingJobSpec, run: TrackedRun
    ) -> frozenset[str] | Problem:
        paths = (spec.gates.artifacts if spec.gates else None) or ()
        return await answered(self._tracking.artifacts(connection, run.id, paths)) if paths else frozenset()
