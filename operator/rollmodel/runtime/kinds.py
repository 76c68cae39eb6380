"""The kinds that this operator reconciles, each as the record of its parts, built from settings."""

from __future__ import annotations

from typing import Any

from rollmodel.adapters.compute import ComputeThreads
from rollmodel.adapters.kubernetes.kube import Kubernetes
from rollmodel.adapters.mlflow.tracking import MlflowTracking
from rollmodel.adapters.prometheus.client import Prometheus
from rollmodel.plan.deployment.analysis.queries import queries
from rollmodel.plan.deployment.decide import decide
from rollmodel.plan.deployment.observed import Defaults
from rollmodel.plan.drift import decide as drift
from rollmodel.plan.drift.observed import DriftDefaults
from rollmodel.plan.training import decide as training
from rollmodel.plan.training.observed import TrainingDefaults
from rollmodel.plan.training.read_set import read_set
from rollmodel.reconcile.connections import Connections
from rollmodel.reconcile.created_runs import CreatedRuns
from rollmodel.reconcile.deployment.addresses import Addresses
from rollmodel.reconcile.deployment.coordination import Coordinator
from rollmodel.reconcile.deployment.gather import Gatherer
from rollmodel.reconcile.deployment.kind import model_deployments
from rollmodel.reconcile.deployment.pinning.models import Models
from rollmodel.reconcile.drift.gather import DriftGatherer
from rollmodel.reconcile.drift.kind import drift_policies
from rollmodel.reconcile.kind import Kind
from rollmodel.reconcile.training.finalize import RunCloser
from rollmodel.reconcile.training.gather import TrainingGatherer
from rollmodel.reconcile.training.kind import training_jobs
from rollmodel.runtime.clock import SystemClock
from rollmodel.runtime.neighbours import Neighbours
from rollmodel.settings import Settings

__all__ = ["kinds_of"]


def kinds_of(
    settings: Settings,
    neighbours: Neighbours,
    *,
    models: Models,
    connections: Connections,
    created: CreatedRuns,
    addresses: Addresses,
    coordinator: Coordinator,
    compute: ComputeThreads,
) -> tuple[Kind[Any, Any, Any], ...]:
    """The table of kinds."""
    kube, metrics = neighbours.kube, neighbours.metrics
    return (
        _model_deployments(settings, kube, metrics, models, addresses=addresses, coordinator=coordinator),
        _training_jobs(settings, kube, neighbours.tracking, connections, created),
        _drift_policies(settings, kube, metrics, compute),
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
    settings: Settings, kube: Kubernetes, tracking: MlflowTracking, connections: Connections, created: CreatedRuns
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
        created=created,
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
