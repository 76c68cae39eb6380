"""The neighbours of an operator, as its settings name them: registry, Prometheus, Lease, rules for rollouts."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Self

from pydantic import SecretStr

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
from rollmodel.plan.operators.election import Candidate, Times
from rollmodel.plan.operators.sharding import CLAIMED, LABEL, NOWHERE
from rollmodel.ports.registry import Connection
from rollmodel.reconcile.deployment.coordination import Coordinator
from rollmodel.runtime.metrics.operator import Instruments
from rollmodel.runtime.operators.elector import Elector
from rollmodel.runtime.rollout_rules import RolloutRules
from rollmodel.settings import Settings

__all__ = ["Neighbours", "elector_of", "lease_of", "own_connection", "rules_of", "watches_of"]

#: More than the kinds that are watched through one session.
_KINDS = 13


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Their clients. ``metrics`` is None where the settings name no Prometheus."""

    api: ApiServer
    kube: Kubernetes
    registry: Mlflow
    tracking: MlflowTracking
    metrics: Prometheus | None
    webhooks: Webhooks

    @classmethod
    async def of(cls, settings: Settings, instruments: Instruments, wake: Callable[[str], None]) -> Self:
        """All of them; only the API server is asked yet. ``wake`` is called with the UID of whose child changed."""
        api = await ApiServer.connect(connections=settings.concurrency + watches_of(settings))
        return cls(
            api=api,
            kube=Kubernetes(api, wake=wake, namespaces=settings.namespaces, without=_switched_off(settings)),
            registry=_registry_of(settings, instruments),
            tracking=_tracking_of(settings, instruments),
            metrics=_metrics_of(settings, instruments),
            webhooks=Webhooks(timer=partial(instruments.call, "webhook")),
        )

    async def close(self) -> None:
        """Let go of connections and threads."""
        self.registry.close()
        self.tracking.close()
        self.webhooks.close()
        if self.metrics is not None:
            self.metrics.close()
        await self.api.close()


def watches_of(settings: Settings) -> int:
    """Connections to the API server that watches hold: one per kind, or one per kind and namespace."""
    return _KINDS * max(1, len(settings.namespaces))


def lease_of(settings: Settings, api: ApiServer) -> Leases | None:
    """The Lease that names who leads; None where nobody is elected."""
    if settings.leader_election == "Off" or settings.lease_namespace is None:
        return None
    marks = {}
    if settings.shard is not None:
        claimed = ",".join(name for name in settings.namespaces if name != NOWHERE)
        marks = {"labels": {LABEL: settings.shard}, "annotations": {CLAIMED: claimed}}
    return Leases(api, settings.lease_namespace, settings.lease_name, marks)


def elector_of(settings: Settings, lease: Leases) -> Elector:
    """This process as a candidate for the Lease."""
    # A container that starts again is another candidate: it cannot know whether the one before is really gone.
    identity = f"{socket.gethostname()}_{uuid.uuid4()}"
    return Elector(lease, Candidate(identity, Times(settings.lease_seconds)))


def _switched_off(settings: Settings) -> set[Resource]:
    """The kinds of others that are switched off."""
    switches = (
        (ROUTES, settings.gateway_api),
        (GRPC_ROUTES, settings.grpc_routes),
        (INFERENCE_POOLS, settings.inference_pools),
        (WORKLOADS, settings.kueue),
        (SCALED_OBJECTS, settings.keda),
    )
    return {kind for kind, switch in switches if switch == "Off"}


def _registry_of(settings: Settings, instruments: Instruments) -> Mlflow:
    """The client of the model registry."""
    return Mlflow(
        poll_seconds=settings.registry_poll_seconds,
        hash_limit=settings.hash_limit_bytes,
        timeout=settings.registry_timeout_seconds,
        timer=partial(instruments.call, "registry"),
    )


def _tracking_of(settings: Settings, instruments: Instruments) -> MlflowTracking:
    """The client of the tracking server."""
    return MlflowTracking(
        timeout=settings.registry_timeout_seconds,
        timer=partial(instruments.call, "tracking"),
        timing=settings.timing,
    )


def _metrics_of(settings: Settings, instruments: Instruments) -> Prometheus | None:
    """The client of Prometheus; None where the settings name none."""
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


def own_connection(settings: Settings) -> Connection | None:
    """The registry that objects without a connection of their own use; None where the settings name none."""
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


def rules_of(
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


def _reveal(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
