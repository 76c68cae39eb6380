"""The composition root: the only place that knows every part and puts them together.

What each neighbour is made of stands in ``neighbours``, and what each kind is made of in ``kinds``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import aiohttp

from rollmodel.adapters.compute import ComputeThreads
from rollmodel.adapters.kubernetes.apiserver import ApiServer
from rollmodel.adapters.kubernetes.kube import Kubernetes
from rollmodel.adapters.kubernetes.leases import Leases
from rollmodel.adapters.kubernetes.watches.named_config_maps import NamedConfigMaps
from rollmodel.adapters.mlflow.registry import Mlflow
from rollmodel.adapters.mlflow.tracking import MlflowTracking
from rollmodel.adapters.notify.webhook import Webhooks
from rollmodel.adapters.prometheus.client import Prometheus
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
from rollmodel.runtime.neighbours import (
    elector_of,
    lease_of,
    metrics_of,
    own_connection,
    registry_of,
    rules_of,
    switched_off,
    tracking_of,
)
from rollmodel.runtime.operators.elector import Elector
from rollmodel.runtime.tasks.arrivals import Arrivals
from rollmodel.runtime.tasks.controller import Controller, Limits
from rollmodel.runtime.tasks.trigger import Triggers
from rollmodel.runtime.watchdog import Watchdog
from rollmodel.settings import Settings

__all__ = ["Operator"]

#: More than the kinds that are watched through one session.
KINDS = 13

#: A status that only counts more pods is written at most this often, in seconds.
PROGRESS_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Operator:
    """The parts that have to be run and closed; ``reconcilers`` are by plural of their kind."""

    api: ApiServer
    kube: Kubernetes
    controller: Controller
    reconcilers: dict[str, Reconciler]
    instruments: Instruments
    watchdog: Watchdog
    registry: Mlflow
    tracking: MlflowTracking
    metrics: Prometheus | None
    webhooks: Webhooks
    registries: Connections
    compute: ComputeThreads
    watches: int
    lease: Leases | None
    elector: Elector | None
    rules: NamedConfigMaps | None

    @classmethod
    async def build(cls, settings: Settings) -> Operator:
        """Put everything together; nothing runs yet."""
        watches = _watches(settings)
        api, triggers = await ApiServer.connect(connections=settings.concurrency + watches), Triggers()
        instruments, watchdog = Instruments(), Watchdog()
        Certificates(files_of(settings), instruments.registry)
        kube = Kubernetes(api, wake=triggers.wake, namespaces=settings.namespaces, without=switched_off(settings))
        registry = registry_of(settings, instruments)
        metrics = metrics_of(settings, instruments)
        tracking = tracking_of(settings, instruments)
        clock = SystemClock()
        lease = lease_of(settings, api)
        elector = elector_of(settings, lease) if lease is not None else None
        leads = elector.leads if elector is not None else lambda: True
        instruments.ask_who_leads(leads)
        webhooks = Webhooks(timer=partial(instruments.call, "webhook"))
        arrivals, created = Arrivals(), CreatedRuns()
        executor = Executor(
            kube,
            registry,
            tracking,
            wake=triggers.wake,
            progress_seconds=PROGRESS_SECONDS,
            timing=settings.timing,
            leads=leads,
            tenancy=settings.tenants_of_registry,
            news=_notify_handlers(settings, kube, webhooks, triggers),
            arrived=arrivals.arrived,
            created=created,
        )
        registries = _connections(settings, kube)
        references = References(triggers.wake)
        models = Models(registry, registries, references, triggers.wake, settings.tenants_of_registry)
        compute = ComputeThreads()
        coordinator = Coordinator(kube, clock, triggers.wake)
        rules = rules_of(settings, api, coordinator, instruments)
        parts = Parts(executor, registries, references, clock, settings.admission, compute)
        kinds = kinds_of(
            settings,
            kube,
            metrics,
            tracking=tracking,
            models=models,
            connections=registries,
            created=created,
            addresses=Addresses(triggers.wake),
            coordinator=coordinator,
            compute=compute,
        )
        reconcilers: dict[str, Reconciler] = {kind.plural: reconciler_of(kind, parts) for kind in kinds}
        limits = Limits(concurrency=settings.concurrency, resync=settings.resync_seconds)
        controller = Controller(kube, triggers, limits, instruments, watchdog, arrivals=arrivals)
        return cls(
            api=api,
            kube=kube,
            controller=controller,
            reconcilers=reconcilers,
            instruments=instruments,
            watchdog=watchdog,
            registry=registry,
            tracking=tracking,
            metrics=metrics,
            webhooks=webhooks,
            registries=registries,
            compute=compute,
            watches=watches,
            lease=lease,
            elector=elector,
            rules=rules,
        )

    def login(self) -> tuple[str, aiohttp.ClientSession]:
        """A new session for Kopf, logged in as we are: it watches, and asks nothing else."""
        return self.api.url, self.api.session(connections=self.watches)

    async def announce(self) -> None:
        """Say at the Lease that we lead, with the Event that other controllers post, too."""
        if self.elector is not None and self.lease is not None and self.lease.manifest is not None:
            became = Event("Normal", "LeaderElection", f"{self.elector.identity} became leader")
            await self.kube.event(self.lease.manifest, became)

    async def close(self) -> None:
        """Let go of connections and threads."""
        self.registries.close()
        self.registry.close()
        self.tracking.close()
        self.webhooks.close()
        self.compute.close()
        if self.metrics is not None:
            self.metrics.close()
        await self.api.close()


def _notify_handlers(settings: Settings, kube: Kubernetes, webhooks: Webhooks, triggers: Triggers) -> NotifyHandlers:
    read_secrets = settings.connection_secrets == "Read"
    return NotifyHandlers(kube, webhooks, triggers.wake, hosts=settings.connection_hosts, read_secrets=read_secrets)


def _connections(settings: Settings, kube: Kubernetes) -> Connections:
    return Connections(
        kube,
        default=own_connection(settings),
        read_secrets=settings.connection_secrets == "Read",
        hosts=settings.connection_hosts,
        seconds=settings.registry_poll_seconds,
    )


def _watches(settings: Settings) -> int:
    """Connections to the API server that watches hold: one per kind, or one per kind and namespace."""
    return KINDS * max(1, len(settings.namespaces))
