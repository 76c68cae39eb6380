"""Read the world for one pass over a TrainingJob: only what the plan wants to see, so at rest nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from rollmodel.api.trainingjob import TrainingJobSpec, TrainingJobStatus
from rollmodel.errors import Forbidden, RollmodelError
from rollmodel.plan.access.ownership import controller_of, identity_of
from rollmodel.plan.access.tenancy import Tenancy, not_yours
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.problem import Problem
from rollmodel.plan.training.alarm import alarm_of
from rollmodel.plan.training.names import aliased, experiment, with_histories
from rollmodel.plan.training.observed import (
    Champion,
    GateFacts,
    Observed,
    ReadSet,
    TrackedRun,
    TrackedVersion,
    TrainingDefaults,
)
from rollmodel.ports.kubernetes import Kube
from rollmodel.ports.process import Clock
from rollmodel.ports.registry import Connection
from rollmodel.ports.tracking import Tracking
from rollmodel.reconcile.connections import Connections
from rollmodel.reconcile.created_runs import CreatedRuns

__all__ = ["TrainingGatherer"]

T = TypeVar("T")


class TrainingGatherer:
    """Puts together what :class:`Observed` holds."""

    def __init__(
        self,
        *,
        kube: Kube,
        tracking: Tracking,
        connections: Connections,
        clock: Clock,
        read_set: Callable[[Observed], ReadSet],
        defaults: TrainingDefaults,
        tenancy: Tenancy | None = None,
        created: CreatedRuns | None = None,
    ) -> None:
        """``created``: runs that this operator has just made."""
        self._kube = kube
        self._tracking = tracking
        self._connections = connections
        self._clock = clock
        self._wants = read_set
        self._defaults = defaults
        self._tenancy = tenancy or Tenancy()
        self._created = created or CreatedRuns()

    async def gather(
        self, body: Manifest, spec: TrainingJobSpec, status: TrainingJobStatus, problems: Sequence[str]
    ) -> Observed:
        """One look at the world. ``problems`` are what the previous pass was refused."""
        observed = self._object(body, spec, status, problems)
        read_set = self._wants(observed)
        observed = replace(observed, read_set=read_set)
        if read_set.pods:
            observed = replace(observed, pods=await self._pods(observed))
        if read_set.refusals:
            observed = replace(observed, refusals=await self._refusals(observed))
        if read_set.workloads:
            observed = replace(observed, workloads=await self._kube.list_workloads(observed.namespace))
        if read_set.owner or read_set.run or read_set.gates or read_set.version or read_set.aliases:
            observed = await self._tracked(observed)
        return replace(observed, now=self._clock.now())  # looking took time, and a claim must not be born old

    def _object(
        self, body: Manifest, spec: TrainingJobSpec, status: TrainingJobStatus, problems: Sequence[str]
    ) -> Observed:
        meta = body["metadata"]
        return Observed(
            namespace=meta["namespace"],
            name=meta["name"],
            uid=meta["uid"],
            generation=meta["generation"],
            created=datetime.fromisoformat(meta["creationTimestamp"]),
            labels=meta.get("labels", {}),
            spec=spec,
            status=status,
            children=self._kube.children(body),
            defaults=self._defaults,
            now=self._clock.now(),
            problems=tuple(problems),
            alarm=alarm_of(body),
        )

    async def _pods(self, observed: Observed) -> Sequence[dict[str, Any]]:
        """Pods that the attempt's Job controls: a label alone would let any pod say what the inputs were."""
        job = _job(observed)
        if job is None:
            return ()
        labels = {"batch.kubernetes.io/job-name": job["metadata"]["name"]}
        pods = await self._kube.list_pods(observed.namespace, labels)
        return [pod for pod in pods if controller_of(pod) == identity_of(job)]

    async def _refusals(self, observed: Observed) -> Sequence[str]:
        job = _job(observed)
        return () if job is None else await self._kube.list_refusals(observed.namespace, job["metadata"]["uid"])

    async def _tracked(self, observed: Observed) -> Observed:
        """What MLflow knows; where the connection itself is wrong, the same problem for everything that is wanted."""
        reference, read_set = observed.spec.tracking.connection_ref, observed.read_set
        connection = await _told(self._connections.find(observed.namespace, reference))
        refusal = connection if isinstance(connection, Problem) else await self._refusal(connection, observed)
        if refusal is not None or isinstance(connection, Problem):
            return replace(observed, run=refusal, version=refusal, alias_version=refusal)
        run = await self._run(connection, observed) if read_set.run or read_set.gates else None
        if isinstance(run, Problem) and run.reason == Forbidden.default_reason:
            self._connections.invalidate(observed.namespace, reference)
        gates = await self._gates(connection, observed, run) if read_set.gates and isinstance(run, TrackedRun) else None
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
            holder = await _told(self._tracking.model_owner(connection, model))
            if isinstance(holder, Problem):
                return holder
            if holder is not None and holder != namespace:
                return Problem.of(not_yours(f"model {model!r}", holder, namespace))
        return None

    async def _run(self, connection: Connection, observed: Observed) -> TrackedRun | Problem | None:
        if observed.status.run_id is not None:
            return await _told(self._tracking.get_run(connection, observed.status.run_id))
        if (made := self._created.take(observed.uid)) is not None:
            return made
        name = experiment(observed.namespace, observed.name, observed.spec)
        return await _told(self._tracking.find_run(connection, name, observed.uid))

    async def _rerun(self, connection: Connection, observed: Observed, run: TrackedRun | Problem | None) -> str | None:
        """An earlier run with the same hash. Nice to know, so no reason to wait where it cannot be found out."""
        hash_ = observed.read_set.rerun_of
        if hash_ is None or not isinstance(run, TrackedRun):
            return None
        found = await _told(self._tracking.find_rerun(connection, run.experiment_id, hash_, but=run.id))
        return None if isinstance(found, Problem) else found

    async def _gates(self, connection: Connection, observed: Observed, run: TrackedRun) -> GateFacts:
        histories, champion, artifacts = await asyncio.gather(
            self._histories(connection, observed.spec, run),
            self._champion(connection, observed.spec),
            self._artifacts(connection, observed.spec, run),
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
                values = await _told(self._tracking.history(connection, run.id, name))
                if isinstance(values, Problem):
                    return values
                found[name] = values
        return found

    async def _champion(self, connection: Connection, spec: TrainingJobSpec) -> Champion | Problem | None:
        if spec.registration is None or not with_histories(spec):
            return None
        model, alias = spec.registration.model, spec.registration.champion_alias
        version = await _told(self._tracking.version_at(connection, model, alias))
        if version is None or isinstance(version, Problem):
            return version
        if version.run_id is None:
            message = f"version {version.version} of {model!r}, the champion, does not say which run it came from"
            return Problem("ChampionWithoutRun", message, transient=False)
        run = await _told(self._tracking.get_run(connection, version.run_id))
        if isinstance(run, Problem):
            return run
        histories = await self._histories(connection, spec, run)
        return histories if isinstance(histories, Problem) else Champion(version.version, run.metrics, histories)

    async def _artifacts(
        self, connection: Connection, spec: TrainingJobSpec, run: TrackedRun
    ) -> frozenset[str] | Problem:
        paths = (spec.gates.artifacts if spec.gates else None) or ()
        return await _told(self._tracking.artifacts(connection, run.id, paths)) if paths else frozenset()

    async def _versions(self, connection: Connection, observed: Observed) -> tuple[Any, Any]:
        registration = observed.spec.registration
        if registration is None:
            return None, None
        version = None
        if observed.status.model_version is None:
            version = await _told(self._tracking.version_of(connection, registration.model, observed.uid))
            if not isinstance(version, TrackedVersion):
                return version, None
        return version, await _told(self._tracking.version_at(connection, registration.model, registration.alias))

    async def _aliases(self, connection: Connection, observed: Observed) -> Mapping[str, str | Problem]:
        """The version behind each input ``models:/name@alias`` that is wanted."""
        found: dict[str, str | Problem] = {}
        for source in observed.spec.inputs or ():
            named = aliased(source.uri) if source.name in observed.read_set.aliases else None
            if named is not None:
                found[source.name] = await self._version_number(connection, *named)
        return found

    async def _version_number(self, connection: Connection, model: str, alias: str) -> str | Problem:
        version = await _told(self._tracking.version_at(connection, model, alias))
        if version is None:
            return Problem("NotFound", f"model {model!r} has no alias {alias!r}", transient=False)
        return version if isinstance(version, Problem) else version.version


def _job(observed: Observed) -> Manifest | None:
    """The Job of the current attempt."""
    jobs = (child for child in observed.children if child["kind"] == "Job")
    return next((job for job in jobs if job["metadata"]["name"] == observed.status.job_name), None)


async def _told(answer: Awaitable[T]) -> T | Problem:
    """The answer, or the error as a value that the plan can read."""
    try:
        return await answer
    except RollmodelError as error:
        return Problem.of(error)
