"""All settings of the operator: those of its neighbours, and how it works itself."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from rollmodel import __version__
from rollmodel.plan.access.admission import Admission
from rollmodel.plan.timing import Timing
from rollmodel.settings.neighbours import NeighbourSettings
from rollmodel.settings.types import Address, Url, Words

__all__ = ["Settings"]

#: Where Kubernetes tells a pod its namespace.
_OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class Settings(NeighbourSettings):
    """Everything that can be set. ``repr`` never shows credentials."""

    namespaces: Words = ()
    """Namespaces to work in, separated by commas; empty: all."""
    shard: Annotated[str | None, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")] = None
    """Work only in namespaces whose label ``rollmodel.dev/shard`` says this; ``default``: in those without it, too.
    Each shard has an operator and a Lease of its own; ``lease_namespace`` is the same for all."""
    gateway_api: Literal["Auto", "Off"] = "Auto"
    """``Off``: HTTPRoutes are neither watched nor made, and no right on them is needed."""
    grpc_routes: Literal["On", "Off"] = "Off"
    """``On``: GRPCRoutes are made for ``traffic.protocol: GRPC``, which takes the kind in the cluster and the right."""
    inference_pools: Literal["On", "Off"] = "Off"
    """``On``: InferencePools are made for ``traffic.inferencePool``, which takes the kind and the right."""
    kueue: Literal["Auto", "Off"] = "Auto"
    """``Off``: nobody asks Kueue why a run waits, and no right on its Workloads is needed."""
    keda: Literal["On", "Off"] = "Off"
    """``On``: ScaledObjects are made for ``scale.autoscaling.keda``, which takes KEDA in the cluster and the right."""
    keda_prometheus_url: Url | None = None
    """Where KEDA asks for their queries; empty: ``prometheus_url``."""
    operator_image: str = f"localhost/rollmodel/operator:{__version__}"
    """Image of the init container that fetches and verifies models."""
    server_image: str = f"localhost/rollmodel/server:{__version__}"
    """Image of the model server of preset ``MLflow``."""

    least_interval_seconds: Annotated[int, Field(ge=1, le=3600)] = 1
    """A shorter ``analysis.intervalSeconds`` counts as this: each tick of an object costs Prometheus its queries."""
    forbidden_namespaces: Words = ("kube-system", "kube-public", "kube-node-lease", "{own}")
    """Namespaces in which nothing is made, separated by commas; ``{own}`` is the operator's own, where it is a pod."""
    hosts: dict[str, tuple[str, ...]] = {}  # noqa: RUF012  pydantic copies defaults
    """Host names that routes may ask for: a JSON object from namespaces (or patterns of them) to patterns of names,
    e.g. ``{"*": ["*.{namespace}.example.com"]}``. Empty: any, and the Gateway decides."""
    toleration_keys: Words = ()
    """Keys of taints that pods of models and trainings may tolerate, as patterns separated by commas, e.g.
    ``nvidia.com/gpu,dedicated``. Empty: any, so also those of control planes. Without a key only ``*`` allows it."""
    priority_classes: Words = ()
    """Priority classes that these pods may have, as patterns separated by commas. Empty: any; then a training may evict
    what others run."""
    connection_hosts: Words = ()
    """Hosts that the Secret of a ``connectionRef`` may name, as patterns separated by commas, e.g.
    ``mlflow.*.svc,*.mlflow.example.com``. Empty: any; then errors tell who writes Secrets which ports answer."""
    container_messages: Literal["Redacted", "Off"] = "Redacted"
    """Whether status and Events tell the last line that a user's container wrote before it failed, without what looks
    like a credential. More people read status than logs."""

    coordination: Literal["Auto", "Required", "Off"] = "Auto"
    """Whether ConfigMaps ``rollmodel-coordination`` say when rollouts may begin, and how many at once. ``Auto``: where
    the operator may not read them there are none. ``Required``: then nothing begins. ``Off``: nobody reads them."""
    coordination_namespace: str | None = None
    """Where the ConfigMap with the cluster's rules is; empty: the operator's own namespace, where it is a pod."""

    resync_seconds: Annotated[float, Field(ge=10, le=86400)] = 900.0
    """Every object is looked at this often (more or less a tenth) though nothing happened."""
    concurrency: Annotated[int, Field(ge=1, le=256)] = 64
    """Passes at work at once, over all objects; one that waits for a neighbour is not at work."""

    leader_election: Literal["On", "Off"] = "Off"
    """``On``: of several operators that share a Lease one works, and the others stand by."""
    lease_namespace: str | None = None
    """Where that Lease is: the operator's own namespace."""
    lease_name: str = "rollmodel"
    """Name of that Lease."""
    lease_seconds: Annotated[int, Field(ge=5, le=300)] = 10
    """After so long without a sign of the leader another operator takes over; the leader ends by itself before that."""

    claim_seconds: Annotated[float, Field(ge=10, le=3600)] = 30.0
    """How long one operator has a claim to create a run or a version. No request that creates takes as long, so that
    two operators never make the same thing twice: shorter is faster after a crash, and less patient with MLflow."""
    retry_seconds: Annotated[float, Field(ge=1, le=3600)] = 15.0
    """When a training run asks a neighbour again that could not answer; four times as long where a person is needed,
    and until the registry is told again what it did not take."""
    starting_seconds: Annotated[float, Field(ge=0, le=600)] = 10.0
    """How long pods may be short of ready before the operator asks them why. A failure that their Deployment tells of
    is looked into at once."""
    missing_seconds: Annotated[float, Field(ge=1, le=3600)] = 10.0
    """How long a Job is missing before it counts as deleted: longer than the API server's watch lags behind."""
    grace_seconds: Annotated[float, Field(ge=0, le=3600)] = 15.0
    """How late the Job controller may be with a deadline before the operator ends the attempt itself."""
    pending_seconds: Annotated[float, Field(ge=10, le=604800)] = 600.0
    """How long the pods of a training run may not start, its queue not be served, or MLflow not answer it, before
    ``Stalled`` and a Warning say so. It waits on: what ends it is ``deadlineSeconds``. Time in a queue that works does
    not count."""

    health_address: Address = "0.0.0.0:8080"
    """Where ``/healthz`` and ``/readyz`` are answered, host:port."""
    metrics_address: Address = "0.0.0.0:9090"
    """Where ``/metrics`` is answered, host:port."""
    metrics_access: Literal["Open", "Reviewed"] = "Open"
    """``Reviewed``: scrapes need a bearer token whose user may ``get`` the nonResourceURL ``/metrics``. The API server
    is asked for that, about once a minute for each token: it takes the right to create TokenReviews and
    SubjectAccessReviews."""
    log_format: Literal["json", "text"] = "json"
    """``json``: one object a line, for collectors; ``text``: for people."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """What is logged from which weight on."""

    @property
    def timing(self) -> Timing:
        """How patient the operator is, as one record."""
        return Timing(
            claim=self.claim_seconds,
            retry=self.retry_seconds,
            missing=self.missing_seconds,
            grace=self.grace_seconds,
            pending=self.pending_seconds,
        )

    @property
    def own_namespace(self) -> str | None:
        """The namespace of the operator's pod; None where it is no pod."""
        return _OWN_NAMESPACE.read_text(encoding="utf-8").strip() if _OWN_NAMESPACE.is_file() else None

    @cached_property
    def admission(self) -> Admission:
        """What is not acted upon."""
        own = self.own_namespace
        named = (own if namespace == "{own}" else namespace for namespace in self.forbidden_namespaces)
        forbidden = frozenset(namespace for namespace in named if namespace)
        return Admission(forbidden, self.hosts, self.toleration_keys, self.priority_classes)

    @model_validator(mode="after")
    def _a_place_for_the_lease(self) -> Self:
        if self.leader_election == "On" and not self.lease_namespace:
            raise ValueError("leader_election=On needs lease_namespace, the operator's own namespace")
        if self.shard and self.leader_election == "Off":
            raise ValueError("shard needs leader_election=On: the Lease says in which namespaces a shard works")
        if self.shard and self.namespaces:
            raise ValueError("set either shard or namespaces")
        return self
