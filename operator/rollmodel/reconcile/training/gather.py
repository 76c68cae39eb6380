"""Read the world for one pass over a TrainingJob: only what the plan wants to see, so at rest nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from rollmodel.api.trainingjob import TrainingJobSpec, TrainingJobStatus
from rollmodel.plan.access.ownership import controller_of, identity_of
from rollmodel.plan.access.tenancy import Tenancy
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.training.alarm import alarm_of
from rollmodel.plan.training.observed import Observed, ReadSet, TrainingDefaults
from rollmodel.ports.kubernetes import Kube
from rollmodel.ports.process import Clock
from rollmodel.ports.tracking import Tracking
from rollmodel.reconcile.connections import Connections
from rollmodel.reconcile.created_runs import CreatedRuns
from rollmodel.reconcile.training.tracked import TrackedReader

__all__ = ["TrainingGatherer"]


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
        self._clock = clock
        self._wants = read_set
        self._defaults = defaults
        self._tracked = TrackedReader(tracking, connections, tenancy or Tenancy(), created or CreatedRuns())

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
            observed = await self._tracked.read(observed)
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


def _job(observed: Observed) -> Manifest | None:
    """The Job of the current attempt."""
    jobs = (child for child in observed.children if child["kind"] == "Job")
    return next((job for job in jobs if job["metadata"]["name"] == observed.status.job_name), None)
