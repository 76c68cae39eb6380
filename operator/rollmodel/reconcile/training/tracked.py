"""Read what MLflow knows of a training: its run, what gates compare, versions and aliases. Only what is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rollmodel.errors import Forbidden, RollmodelError
from rollmodel.plan.access.tenancy import Tenancy, not_yours
from rollmodel.plan.problem import Problem
from rollmodel.plan.training.names import aliased, experiment
from rollmodel.plan.training.observed import Observed, TrackedRun, TrackedVersion
from rollmodel.ports.registry import Connection
from rollmodel.ports.tracking import Tracking
from rollmodel.reconcile.answered import answered
from rollmodel.reconcile.connections import Connections
from rollmodel.reconcile.created_runs import CreatedRuns
from rollmodel.reconcile.training.gate_facts import GateFactsReader

__all__ = ["TrackedReader"]


class TrackedReader:
    """Fills the part of :class:`Observed` that MLflow answers, as far as its read set asks for it.

    ``created``: runs that this operator has just made.
    """

    def __init__(self, tracking: Tracking, connections: Connections, tenancy: Tenancy, created: CreatedRuns) -> None:
        self._tracking = tracking
        self._connections = connections
        self._tenancy = tenancy
        self._created = created
        self._gates = GateFactsReader(tracking)

    async def read(self, observed: Observed) -> Observed:
        """What MLflow knows; where the connection itself is wrong, the same problem for everything that is wanted."""
        reference, read_set = observed.spec.tracking.connection_ref, observed.read_set
        connection = await answered(self._connections.find(observed.namespace, reference))
        refusal = connection if isinstance(connection, Problem) else await self._refusal(connection, observed)
        if refusal is not None or isinstance(connection, Problem):
            return replace(observed, run=refusal, version=refusal, alias_version=refusal)
        run = await self._run(connection, observed) if read_set.run or read_set.gates else None
        if isinstance(run, Problem) and run.reason == Forbidden.default_reason:
            self._connections.invalidate(observed.namespace, reference)
        gates = None
        if read_set.gates and isinstance(run, TrackedRun):
            gates = await self._gates.read(connection, observed.spec, run)
        version, alias_version = await self._versions(connection, observed) if read_set.version else (None, None)
        return replace(
            observed,
            run=run,
            gates=gates,
            version=version,
            alias_version=alias_version,
            aliases=await self._aliases(connection, observed),
            rerun_of=await self._rerun(connection, observed, run),
        )

    async def _refusal(self, connection: Connection, observed: Observed) -> Problem | None:
        """Why this namespace may not have what it asks of the operator's own MLflow."""
        spec, read_set, namespace = observed.spec, observed.read_set, observed.namespace
        if spec.tracking.connection_ref is not None:
            return None
        registration = spec.registration
        registered = [registration.model] if registration is not None else []
        moved = [registration.alias, registration.champion_alias] if registration is not None else []
        inputs = [named for source in spec.inputs or () if (named := aliased(source.uri)) is not None]
        try:
            self._tenancy.check(
                namespace,
                models=[*registered, *(model for model, _ in inputs)],
                experiments=[experiment(namespace, observed.name, spec)],
                aliases=[*moved, *(alias for _, alias in inputs)],
            )
        except RollmodelError as error:
            return Problem.of(error)
        if self._tenancy.owner(namespace) is None or not (read_set.owner or read_set.gates):
            return None
        for model in registered:  # before anything is trained for it, or its champion's metrics are read
            holder = await answered(self._tracking.model_owner(connection, model))
            if isinstance(holder, Problem):
                return holder
            if holder is not None and holder != namespace:
                return Problem.of(not_yours(f"model {model!r}", holder, namespace))
        return None

    async def _run(self, connection: Connection, observed: Observed) -> TrackedRun | Problem | None:
        if observed.status.run_id is not None:
            return await answered(self._tracking.get_run(connection, observed.status.run_id))
        if (made := self._created.take(observed.uid)) is not None:
            return made
        name = experiment(observed.namespace, observed.name, observed.spec)
        return await answered(self._tracking.find_run(connection, name, observed.uid))

    async def _rerun(self, connection: Connection, observed: Observed, run: TrackedRun | Problem | None) -> str | None:
        """An earlier run with the same hash. Nice to know, so no reason to wait where it cannot be found out."""
        hash_ = observed.read_set.rerun_of
        if hash_ is None or not isinstance(run, TrackedRun):
            return None
        found = await answered(self._tracking.find_rerun(connection, run.experiment_id, hash_, but=run.id))
        return None if isinstance(found, Problem) else found

    async def _versions(self, connection: Connection, observed: Observed) -> tuple[Any, Any]:
        registration = observed.spec.registration
        if registration is None:
            return None, None
        version = None
        if observed.status.model_version is None:
            version = await answered(self._tracking.version_of(connection, registration.model, observed.uid))
            if not isinstance(version, TrackedVersion):
                return version, None
        return version, await answered(self._tracking.version_at(connection, registration.model, registration.alias))

    async def _aliases(self, connection: Connection, observed: Observed) -> Mapping[str, str | Problem]:
        """The version behind each input ``models:/name@alias`` that is wanted."""
        found: dict[str, str | Problem] = {}
        for source in observed.spec.inputs or ():
            named = aliased(source.uri) if source.name in observed.read_set.aliases else None
            if named is not None:
                found[source.name] = await self._version_number(connection, *named)
        return found

    async def _version_number(self, connection: Connection, model: str, alias: str) -> str | Problem:
        version = await answered(self._tracking.version_at(connection, model, alias))
        if version is None:
            return Problem("NotFound", f"model {model!r} has no alias {alias!r}", transient=False)
        return version if isinstance(version, Problem) else version.version
