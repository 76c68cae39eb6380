"""What a pass knows about one ModelDeployment: gathered by ``reconcile``, read by ``plan``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rollmodel.api.modeldeployment import ModelDeploymentSpec, ModelDeploymentStatus
from rollmodel.plan.coordination.hold import Hold
from rollmodel.plan.problem import Problem

__all__ = ["AddressTaken", "Answer", "Defaults", "Observed", "PinnedModel"]


@dataclass(frozen=True, slots=True)
class PinnedModel:
    """The model that the spec asks for now, pinned.

    ``uri`` is what the init container fetches; ``connection_secret`` the Secret of this namespace with the registry's
    credentials, if any; ``registry_url`` the default registry's address when there is no such Secret.
    """

    uri: str
    digest: str
    name: str | None = None
    version: str | None = None
    connection_secret: str | None = None
    registry_url: str | None = None
    files: str | None = None
    """Where MLflow keeps its files, for pods: what is at that address outlives the version's entry in the registry."""
    size_bytes: int | None = None
    note: str | None = None
    """What people should know about how it was found."""
    tags: Mapping[str, str] | None = None
    """What this operator has written about the version before."""
    tried_next: str | None = None
    """The version of the alias, where this one is the champion's, which is installed first."""


@dataclass(frozen=True, slots=True)
class AddressTaken:
    """An older object has an address of this one; ``whole``: it has all of them.

    ``owner``: a ModelDeployment by namespace and name, or ``HTTPRoute`` and these. Nobody tells us when that one goes:
    ``watched`` is False, and it is looked at again.
    """

    owner: str
    address: str
    whole: bool
    watched: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """Series of one metric query on the aligned grid: per series its labels and ascending (unix time, value) points."""

    series: Sequence[tuple[Mapping[str, str], Sequence[tuple[float, float]]]]


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the operator's settings say about generated pods."""

    operator_image: str
    server_image: str
    registry_url: str | None = None
    registry_ca: str | None = None
    """Certificates of a private authority of the default registry, PEM."""
    registry_workspace: str | None = None
    """The workspace of the default registry (MLflow)."""
    keda_prometheus_url: str | None = None
    """Where KEDA's triggers ask."""
    prometheus_delay_seconds: float = 0.0
    """How long after the end of a window its samples are complete (scrape interval + margin)."""
    prometheus_matchers: str = ""
    """PromQL matchers that choose this cluster's series among those of others."""
    bound_queries: bool = False
    """Whether queries of users may select series of the object's own namespace only."""
    container_messages: bool = True
    """Whether the last line that a user's container wrote is shown, without what looks like a credential."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What was gathered for one pass. ``children`` are the live objects that this object controls."""

    namespace: str
    name: str
    uid: str
    generation: int
    annotations: Mapping[str, str]
    managed_fields: Sequence[Mapping[str, Any]]
    spec: ModelDeploymentSpec
    status: ModelDeploymentStatus
    model: PinnedModel | Problem
    children: Sequence[Mapping[str, Any]]
    pods: Sequence[Mapping[str, Any]]
    """Pods of all revisions while one is not fully ready; empty at rest."""
    answers: Mapping[str, Answer | Problem]
    """By query key, as :func:`rollmodel.plan.deployment.analysis.queries.queries` asked."""
    defaults: Defaults
    now: datetime
    gateway_available: bool = True
    users_route: Mapping[str, Any] | None = None
    """The HTTPRoute of somebody else that `traffic.routeRef` names, or that still has backends of ours."""
    missing_kinds: frozenset[str] = frozenset()
    """Kinds of other routers that cannot be made here: not installed, or switched off."""
    address_taken: AddressTaken | None = None
    routes_read: bool = True
    """Whether routes of others were listed since this object's route exists."""
    alias_shared: str | None = None
    """Namespace and name of an older ModelDeployment that moves the same champion alias."""
    changed_secret: str | None = None
    """The Secret of `connectionRef`, in the first pass after its login changed."""
    config_maps: Mapping[str, str] = field(default_factory=dict)
    """ConfigMap that pods read as they start -> hash of its content; empty at rest."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Secret that pods read as they start, and we may -> its resourceVersion; empty at rest."""
    problems: Sequence[str] = field(default_factory=tuple)
    hold: Hold | None = None
    """Why a rollout may not begin now, by rules of the cluster or the namespace; None where it may."""
    registry_read: bool = True
    """Whether the registry was read since somebody asked for it with the annotation ``rollmodel.dev/refresh``."""
