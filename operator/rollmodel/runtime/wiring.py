"""The composition root: the only place that knows every part and puts them together."""

from __future__ import annotations

import socket
import uuid
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp
from pydantic import SecretStr

from rollmodel.adapters.compute import ComputeThreads
from rollmodel.adapters.kubernetes.apiserver import ApiServer
from rollmodel.adapters.kubernetes.kinds import (
    GRPC_ROUTES,
    INFERENCE_POOLS,
    ROUTES,
    SCALED_OBJECTS,
    WORKLOADS,
    Resource,
)
from rollmodel.adapters.kubernetes.kube import Kubernetes
from rollmodel.adapters.kubernetes.leases import Leases
from rollmodel.adapters.kubernetes.watches.named_config_maps import NamedConfigMaps
from rollmodel.adapters.mlflow.registry import Mlflow
from rollmodel.adapters.mlflow.tracking import MlflowTracking
from rollmodel.adapters.notify.webhook import Webhooks
from rollmodel.adapters.prometheus.access import Access, Login
from rollmodel.adapters.prometheus.client import Prometheus
from rollmodel.api.coordination import CONFIG_MAP
from rollmodel.api.prometheus import http_headers
from rollmodel.plan.decision import Event
from rollmodel.plan.deployment.analysis.queries import queries
from rollmodel.plan.deployment.decide import decide
from rollmodel.plan.deployment.observed import Defaults
from rollmodel.plan.drift import decide as drift
from rollmodel.plan.drift.observed import DriftDefaults
from rollmodel.plan.operators.election import Candidate, Times
from rollmodel.plan.operators.sharding import CLAIMED, LABEL, NOWHERE
from rollmodel.plan.training import decide as training
from rollmodel.plan.training.observed import TrainingDefaults
from rollmodel.plan.training.read_set import read_set
from rollmodel.ports.registry import Connection
from rollmodel.reconcile.connections import Connections
from rollmodel.reconcile.deployment.addresses import Addresses
from rollmodel.reconcile.deployment.coordination import Coordinator
from rollmodel.reconcile.deployment.gather import Gatherer
from rollmodel.reconcile.deployment.kind import model_deployments
from rollmodel.reconcile.deployment.model import Models
from rollmodel.reconcile.drift.gather import DriftGatherer
from rollmodel.reconcile.drift.kind import drift_policies
from rollmodel.reconcile.effects.notify import NotifyHandlers
from rollmodel.reconcile.execute import Executor
from rollmodel.reconcile.kind import Kind
from rollmodel.reconcile.reconciler import Parts, reconciler_of
from rollmodel.reconcile.references import References
from rollmodel.reconcile.result import Reconciler
from rollmodel.reconcile.training.finalize import RunCloser
from rollmodel.reconcile.training.gather import TrainingGatherer
from rollmodel.reconcile.training.kind import training_jobs
from rollmodel.runtime.clock import SystemClock
from rollmodel.runtime.metrics.certificates import Certificates, files_of
from rollmodel.runtime.metrics.operator import Instruments
from rollmodel.runtime.operators.elector import Elector
from rollmodel.runtime.rollout_rules import RolloutRules
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
        kube = Kubernetes(api, wake=triggers.wake, namespaces=settings.namespaces, without=_without(settings))
        registry = _registry(settings, instruments)
        metrics = _metrics(settings, instruments)
        tracking = MlflowTracking(
            timeout=settings.registry_timeout_seconds,
            timer=partial(instruments.call, "tracking"),
            timing=settings.timing,
        )
        clock = SystemClock()
        lease = _lease(settings, api)
        elector = _elector(settings, lease) if lease is not None else None
        leads = elector.leads if elector is not None else lambda: True
        instruments.ask_who_leads(leads)
        webhooks = Webhooks(timer=partial(instruments.call, "webhook"))
        read_secrets = settings.connection_secrets == "Read"
        arrivals = Arrivals()
        executor = Executor(
            kube,
            registry,
            tracking,
            wake=triggers.wake,
            progress_seconds=PROGRESS_SECONDS,
            timing=settings.timing,
            leads=leads,
            tenancy=settings.tenants_of_registry,
            news=NotifyHandlers(
                kube, webhooks, triggers.wake, hosts=settings.connection_hosts, read_secrets=read_secrets
            ),
            arrived=arrivals.arrived,
        )
        registries = Connections(
            kube,
            default=_own_connection(settings),
            read_secrets=read_secrets,
            hosts=settings.connection_hosts,
            seconds=settings.registry_poll_seconds,
        )
        references = References(triggers.wake)
        models = Models(registry, registries, references, triggers.wake, settings.tenants_of_registry)
        compute = ComputeThreads()
        coordinator = Coordinator(kube, clock, triggers.wake)
        rules = _rules(settings, api, coordinator, instruments)
        parts = Parts(executor, registries, references, clock, settings.admission, compute)
        kinds: tuple[Kind[Any, Any, Any], ...] = (
            _model_deployments(
                settings, kube, metrics, models, addresses=Addresses(triggers.wake), coordinator=coordinator
            ),
            _training_jobs(settings, kube, tracking, registries),
            _drift_policies(settings, kube, metrics, compute),
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


def _watches(settings: Settings) -> int:
    """Connections to the API server that watches hold: one per kind, or one per kind and namespace."""
    return KINDS * max(1, len(settings.namespaces))


def _lease(settings: Settings, api: ApiServer) -> Leases | None:
    if settings.leader_election == "Off" or settings.lease_namespace is None:
        return None
    marks = {}
    if settings.shard is not None:
        claimed = ",".join(name for name in settings.namespaces if name != NOWHERE)
        marks = {"labels": {LABEL: settings.shard}, "annotations": {CLAIMED: claimed}}
    return Leases(api, settings.lease_namespace, settings.lease_name, marks)


def _elector(settings: Settings, lease: Leases) -> Elector:
    # A container that starts again is another candidate: it cannot know whether the one before is really gone.
    identity = f"{socket.gethostname()}_{uuid.uuid4()}"
    return Elector(lease, Candidate(identity, Times(settings.lease_seconds)))


def _without(settings: Settings) -> set[Resource]:
    """The kinds of others that are switched off."""
    switches = (
        (ROUTES, settings.gateway_api),
        (GRPC_ROUTES, settings.grpc_routes),
        (INFERENCE_POOLS, settings.inference_pools),
        (WORKLOADS, settings.kueue),
        (SCALED_OBJECTS, settings.keda),
    )
    return {kind for kind, switch in switches if switch == "Off"}


def _registry(settings: Settings, instruments: Instruments) -> Mlflow:
    return Mlflow(
        poll_seconds=settings.registry_poll_seconds,
        hash_limit=settings.hash_limit_bytes,
        timeout=settings.registry_timeout_seconds,
        timer=partial(instruments.call, "registry"),
    )


def _metrics(settings: Settings, instruments: Instruments) -> Prometheus | None:
    if settings.prometheus_url is None:
        return None
    login = Login(
        username=_reveal(settings.prometheus_username),
        password=_reveal(settings.prometheus_password),
        token=_reveal(settings.prometheus_token),
        token_file=settings.prometheus_token_file,
    )
    access = Access(
        ca_file=settings.prometheus_ca_file,
        certificate_file=settings.prometheus_client_certificate_file,
        key_file=settings.prometheus_client_key_file,
        headers=http_headers(settings.prometheus_headers.get_secret_value()),
    )
    timer, timeout = partial(instruments.call, "prometheus"), settings.prometheus_timeout_seconds
    return Prometheus(settings.prometheus_url, login=login, access=access, timeout=timeout, timer=timer)


def _own_connection(settings: Settings) -> Connection | None:
    if settings.registry_url is None:
        return None
    return Connection(
        settings.registry_url,
        username=_reveal(settings.registry_username),
        password=_reveal(settings.registry_password),
        token=_reveal(settings.registry_token),
        ca=settings.registry_ca,
        workspace=settings.registry_workspace,
    )


def _defaults(settings: Settings) -> Defaults:
    return Defaults(
        operator_image=settings.operator_image,
        server_image=settings.server_image,
        registry_url=settings.registry_url,
        registry_ca=settings.registry_ca,
        registry_workspace=settings.registry_workspace,
        keda_prometheus_url=settings.keda_prometheus_url or settings.prometheus_url,
        prometheus_delay_seconds=settings.prometheus_delay_seconds,
        prometheus_matchers=settings.prometheus_matchers,
        bound_queries=settings.user_queries == "OwnNamespace",
        container_messages=settings.container_messages == "Redacted",
    )


def _rules(
    settings: Settings, api: ApiServer, coordinator: Coordinator, instruments: Instruments
) -> NamedConfigMaps | None:
    """The watch of the rules for rollouts. A shard has one for the whole cluster: its role allows that."""
    if settings.coordination == "Off":
        return None
    own = settings.coordination_namespace or settings.own_namespace
    known = RolloutRules(own, coordinator.change, required=settings.coordination == "Required")
    instruments.ask_rules(lambda: known.not_understood)
    named = [] if settings.shard is not None else [*settings.namespaces]
    where = sorted({*named, *([own] if own is not None else [])}) if named else []
    return NamedConfigMaps(api, CONFIG_MAP, where, changed=known.on_config_map, forbidden=known.on_forbidden)


def _model_deployments(
    settings: Settings,
    kube: Kubernetes,
    metrics: Prometheus | None,
    models: Models,
    *,
    addresses: Addresses,
    coordinator: Coordinator,
) -> Kind[Any, Any, Any]:
    gatherer = Gatherer(
        kube=kube,
        metrics=metrics,
        models=models,
        clock=SystemClock(),
        queries=queries,
        defaults=_defaults(settings),
        least_interval=settings.least_interval_seconds,
        addresses=addresses,
        coordinator=coordinator,
        starting=settings.starting_seconds,
        read_secrets=settings.connection_secrets == "Read",
    )
    return model_deployments(gatherer, decide=decide, model_retry=settings.registry_poll_seconds)


def _training_jobs(
    settings: Settings, kube: Kubernetes, tracking: MlflowTracking, connections: Connections
) -> Kind[Any, Any, Any]:
    defaults = TrainingDefaults(
        operator_image=settings.operator_image,
        registry_url=settings.registry_url,
        registry_ca=settings.registry_ca,
        container_messages=settings.container_messages == "Redacted",
        registry_workspace=settings.registry_workspace,
        poll_seconds=settings.registry_poll_seconds,
        timing=settings.timing,
    )
    gatherer = TrainingGatherer(
        kube=kube,
        tracking=tracking,
        connections=connections,
        clock=SystemClock(),
        read_set=read_set,
        defaults=defaults,
        tenancy=settings.tenants_of_registry,
    )
    return training_jobs(gatherer, RunCloser(tracking, connections), decide=training.decide)


def _drift_policies(
    settings: Settings, kube: Kubernetes, metrics: Prometheus | None, compute: ComputeThreads
) -> Kind[Any, Any, Any]:
    defaults = DriftDefaults(settings.prometheus_delay_seconds, settings.prometheus_matchers)
    gatherer = DriftGatherer(
        kube=kube,
        metrics=metrics,
        clock=SystemClock(),
        defaults=defaults,
        counted_from=drift.counted_from,
        compute=compute,
    )
    return drift_policies(gatherer, decide=drift.decide)


def _reveal(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
