"""The composition root: the only place that knows every part and puts them together.

What each neighbour is made of stands in ``neighbours``, and what each kind is made of in ``kinds``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import aiohttp

from rollmodel.adapters.compute import ComputeThreads
from rollmodel.adapters.kubernetes.kube import Kubernetes
from rollmodel.adapters.kubernetes.leases import Leases
from rollmodel.adapters.kubernetes.watches.named_config_maps import NamedConfigMaps
from rollmodel.plan.decision import Event
from rollmodel.reconcile.connections import Connections
from rollmodel.reconcile.created_runs import CreatedRuns
from rollmodel.reconcile.deployment.addresses import Addresses
from rollmodel.reconcile.deployment.coordination import Coordinator
from rollmodel.reconcile.deployment.pinning.models import Models
from rollmodel.reconcile.effects.notify import NotifyHandlers
from rollmodel.reconcile.execute import Executor
from rollmodel.reconcile.reconciler import Parts, reconciler_of
from rollmodel.reconcile.references import References
from rollmodel.reconcile.result import Reconciler
from rollmodel.runtime.clock import SystemClock
from rollmodel.runtime.kinds import kinds_of
from rollmodel.runtime.metrics.certificates import Certificates, files_of
from rollmodel.runtime.metrics.operator import Instruments
from rollmodel.runtime.neighbours import Neighbours, elector_of, lease_of, own_connection, rules_of, watches_of
from rollmodel.runtime.operators.elector import Elector
from rollmodel.runtime.tasks.arrivals import Arrivals
from rollmodel.runtime.tasks.controller import Controller, Limits
from rollmodel.runtime.tasks.trigger import Triggers
from rollmodel.runtime.watchdog import Watchdog
from rollmodel.settings import Settings

__all__ = ["Operator"]

#: A status that only counts more pods is written at most this often, in seconds.
PROGRESS_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Operator:
    """The parts that have to be run and closed; ``reconcilers`` are by plural of their kind."""

    neighbours: Neighbours
    controller: Controller
    reconcilers: dict[str, Reconciler]
    instruments: Instruments
    watchdog: Watchdog
    connections: Connections
    compute: ComputeThreads
    watches: int
    lease: Leases | None
    elector: Elector | None
    rules: NamedConfigMaps | None

    @classmethod
    async def build(cls, settings: Settings) -> Self:
        """Put everything together; nothing runs yet."""
        triggers, instruments, watchdog, clock = Triggers(), Instruments(), Watchdog(), SystemClock()
        Certificates(files_of(settings), instruments.registry)
        neighbours = await Neighbours.of(settings, instruments, triggers.wake)
        kube = neighbours.kube
        lease = lease_of(settings, neighbours.api)
        elector = elector_of(settings, lease) if lease is not None else None
        leads = elector.leads if elector is not None else lambda: True
        instruments.ask_who_leads(leads)
        arrivals, created, compute = Arrivals(), CreatedRuns(), ComputeThreads()
        connections, references = _connections(settings, kube), References(triggers.wake)
        coordinator = Coordinator(kube, clock, triggers.wake)
        executor = _executor(settings, neighbours, triggers, arrivals, created, leads=leads)
        parts = Parts(executor, connections, references, clock, settings.admission, compute)
        tenancy = settings.tenants_of_registry
        kinds = kinds_of(
            settings,
            neighbours,
            models=Models(neighbours.registry, connections, references, triggers.wake, tenancy),
            connections=connections,
            created=created,
            addresses=Addresses(triggers.wake),
            coordinator=coordinator,
            compute=compute,
        )
        limits = Limits(concurrency=settings.concurrency, resync=settings.resync_seconds)
        return cls(
            neighbours=neighbours,
            controller=Controller(kube, triggers, limits, instruments, watchdog, arrivals=arrivals),
            reconcilers={kind.plural: reconciler_of(kind, parts) for kind in kinds},
            instruments=instruments,
            watchdog=watchdog,
            connections=connections,
            compute=compute,
            watches=watches_of(settings),
            lease=lease,
            elector=elector,
            rules=rules_of(settings, neighbours.api, coordinator, instruments),
        )

    def login(self) -> tuple[str, aiohttp.ClientSession]:
        """A new session for Kopf, logged in as we are: it watches, and asks nothing else."""
        return self.neighbours.api.url, self.neighbours.api.session(connections=self.watches)

    async def announce(self) -> None:
        """Say at the Lease that we lead, with the Event that other controllers post, too."""
        if self.elector is not None and self.lease is not None and self.lease.manifest is not None:
            became = Event("Normal", "LeaderElection", f"{self.elector.identity} became leader")
            await self.neighbours.kube.event(self.lease.manifest, became)

    async def close(self) -> None:
        """Let go of connections and threads."""
        self.connections.close()
        self.compute.close()
        await self.neighbours.close()


def _executor(
    settings: Settings,
    neighbours: Neighbours,
    triggers: Triggers,
    arrivals: Arrivals,
    created: CreatedRuns,
    *,
    leads: Callable[[], bool],
) -> Executor:
    news = NotifyHandlers(
        neighbours.kube,
        neighbours.webhooks,
        triggers.wake,
        hosts=settings.connection_hosts,
        read_secrets=settings.connection_secrets == "Read",
    )
    return Executor(
        neighbours.kube,
        neighbours.registry,
        neighbours.tracking,
        wake=triggers.wake,
        progress_seconds=PROGRESS_SECONDS,
        timing=settings.timing,
        leads=leads,
        tenancy=settings.tenants_of_registry,
        news=news,
        arrived=arrivals.arrived,
        created=created,
    )


def _connections(settings: Settings, kube: Kubernetes) -> Connections:
    return Connections(
        kube,
        default=own_connection(settings),
        read_secrets=settings.connection_secrets == "Read",
        hosts=settings.connection_hosts,
        seconds=settings.registry_poll_seconds,
    )
