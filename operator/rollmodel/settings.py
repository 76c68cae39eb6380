"""The operator's settings: environment variables ``ROLLMODEL_*``. The only reader of the environment.

Credentials may also come from files, as Kubernetes mounts Secrets: ``ROLLMODEL_REGISTRY_PASSWORD_FILE=/path`` and so
on. Files are read once, at start; only Prometheus' token is read again at each request, since such tokens are rotated.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, FilePath, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from rollmodel import __version__
from rollmodel.api.fields.uris import server_url
from rollmodel.api.prometheus import http_headers, label_matchers
from rollmodel.plan.access.admission import Admission
from rollmodel.plan.access.tenancy import Grant, Tenancy
from rollmodel.plan.timing import Timing
from rollmodel.tls import check_ca

__all__ = ["Settings", "configure_libraries"]

_SECRETS = (
    "registry_username",
    "registry_password",
    "registry_token",
    "prometheus_username",
    "prometheus_password",
    "prometheus_headers",
)

#: Where Kubernetes tells a pod its namespace.
_OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def _address(text: str) -> str:
    _, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise ValueError("must be host:port, e.g. 0.0.0.0:8080 or [::]:8080")
    return text


def _headers(text: SecretStr) -> SecretStr:
    http_headers(text.get_secret_value())
    return text


def _comma_separated(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Url = Annotated[str, AfterValidator(server_url)]
Address = Annotated[str, AfterValidator(_address)]
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)]


class Settings(BaseSettings):
    """Everything that can be set. ``repr`` never shows credentials."""

    model_config = SettingsConfigDict(
        env_prefix="ROLLMODEL_",
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

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

    registry_url: Url | None = None
    """The MLflow that objects use which name no connection of their own."""
    registry_username: SecretStr | None = None
    """User name for that MLflow, with the password; or from the file that ``.._FILE`` names."""
    registry_password: SecretStr | None = None
    """Its password; or from the file that ``.._FILE`` names."""
    registry_token: SecretStr | None = None
    """A bearer token for that MLflow, instead of the other two; or from the file that ``.._FILE`` names."""
    registry_ca_file: FilePath | None = None
    """Certificates of a private authority of that MLflow, PEM, trusted beside the public ones. Read at start; the
    pods that fetch models get them, too."""
    registry_workspace: Annotated[str | None, Field(min_length=1, max_length=255)] = None
    """The workspace of that MLflow which holds the models; empty: its default one."""
    registry_poll_seconds: Annotated[float, Field(ge=1, le=3600)] = 15.0
    """How often an alias is looked up, however many objects follow it."""
    registry_timeout_seconds: Annotated[float, Field(ge=1, le=300)] = 10.0
    """How long one question to the registry may take, to the end of its answer."""
    hash_limit_bytes: Annotated[int, Field(ge=0)] = 20 * 2**30
    """Largest model that the operator reads through to compute its digest; larger ones need the tag of the version."""
    tenants: dict[str, Grant] = {}
    """Who may use what of that MLflow: a JSON object from namespaces (or patterns of them) to patterns of names, e.g.
    ``{"*": {"models": ["{namespace}.*"], "experiments": ["{namespace}/*"]}}``. Empty: what was made or moved first for
    one namespace is not changed for another."""
    tenancy: Literal["Checked", "Trusted"] = "Checked"
    """``Trusted``: all namespaces are one trust domain, and nobody asks whose a model, an alias or an experiment is."""
    connection_secrets: Literal["Read", "Refuse"] = "Read"
    """Whether ``connectionRef`` may name a Secret; it can be read only where a Role says so, too."""

    prometheus_url: Url | None = None
    """Where the evidence comes from; the path prefix of an API that is compatible with Prometheus belongs to it."""
    prometheus_username: SecretStr | None = None
    """User name for Prometheus, with the password; or from the file that ``.._FILE`` names."""
    prometheus_password: SecretStr | None = None
    """Its password; or from the file that ``.._FILE`` names."""
    prometheus_token: SecretStr | None = None
    """A bearer token for Prometheus."""
    prometheus_token_file: Path | None = None
    """File with such a token, read again at each request, since they are rotated."""
    prometheus_ca_file: FilePath | None = None
    """Certificates of the authorities that Prometheus' certificate may come from, PEM; instead of the public ones."""
    prometheus_client_certificate_file: FilePath | None = None
    """Our own certificate, PEM, where Prometheus or what stands before it asks for one."""
    prometheus_client_key_file: FilePath | None = None
    """Its private key, where that is not in the same file."""
    prometheus_headers: Annotated[SecretStr, AfterValidator(_headers)] = SecretStr("")
    """Headers for each query, one a line, e.g. ``X-Scope-OrgID: team-a``, the tenant of Mimir and Cortex."""
    prometheus_matchers: Annotated[str, AfterValidator(label_matchers)] = ""
    """Matchers that are part of every preset's queries and of ``{{ selector }}``, e.g. ``cluster="eu-1"``: needed where
    several clusters write into one Thanos, Mimir or VictoriaMetrics, or they are judged as their sum."""
    user_queries: Literal["Any", "OwnNamespace"] = "Any"
    """``OwnNamespace``: each selector of the queries that users write must have ``{{ selector }}`` or the matcher
    ``namespace="{{ namespace }}"``; others are ``InvalidQuery``. They run with the operator's login at Prometheus."""
    prometheus_timeout_seconds: Annotated[float, Field(ge=1, le=300)] = 10.0
    """How long one query may take."""
    prometheus_delay_seconds: Annotated[float, Field(ge=0, le=600)] = 5.0
    """How long after the end of a window its samples are complete: scrape interval plus margin."""

    least_interval_seconds: Annotated[int, Field(ge=1, le=3600)] = 1
    """A shorter ``analysis.intervalSeconds`` counts as this: each tick of an object costs Prometheus its queries."""
    forbidden_namespaces: Words = ("kube-system", "kube-public", "kube-node-lease", "{own}")
    """Namespaces in which nothing is made, separated by commas; ``{own}`` is the operator's own, where it is a pod."""
    hosts: dict[str, tuple[str, ...]] = {}
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

    @cached_property
    def registry_ca(self) -> str | None:
        """The content of ``registry_ca_file``. Raises ValueError where that is not certificates."""
        return check_ca(self.registry_ca_file.read_text(encoding="utf-8")) if self.registry_ca_file else None

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

    @property
    def tenants_of_registry(self) -> Tenancy:
        """Who may touch what with the operator's own login."""
        return Tenancy(self.tenants, trusted=self.tenancy == "Trusted")

    @model_validator(mode="before")
    @classmethod
    def _read_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Take credentials from the files that ``.._FILE`` variables name."""
        for name in _SECRETS:
            path = os.environ.get(f"ROLLMODEL_{name.upper()}_FILE")
            if path and name not in values:
                values[name] = Path(path).read_text(encoding="utf-8").strip()
        return values

    @model_validator(mode="after")
    def _a_place_for_the_lease(self) -> Self:
        if self.leader_election == "On" and not self.lease_namespace:
            raise ValueError("leader_election=On needs lease_namespace, the operator's own namespace")
        if self.shard and self.leader_election == "Off":
            raise ValueError("shard needs leader_election=On: the Lease says in which namespaces a shard works")
        if self.shard and self.namespaces:
            raise ValueError("set either shard or namespaces")
        return self

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        for neighbour in ("registry", "prometheus"):
            username, password, token = (
                getattr(self, f"{neighbour}_{part}") for part in ("username", "password", "token")
            )
            if (username is None) != (password is None) or (token is not None and username is not None):
                raise ValueError(f"set either {neighbour}_username and {neighbour}_password, or {neighbour}_token")
        if self.prometheus_token_file and (self.prometheus_token or self.prometheus_username):
            raise ValueError("set only one of prometheus_token_file, prometheus_token and prometheus_username")
        if self.prometheus_client_key_file and not self.prometheus_client_certificate_file:
            raise ValueError("prometheus_client_key_file needs prometheus_client_certificate_file")
        try:
            _ = self.registry_ca
        except ValueError as error:
            raise ValueError(f"registry_ca_file {error}") from None
        return self


def configure_libraries(settings: Settings) -> None:
    """Set what MLflow's client reads from the environment only. Call it once, before anything imports ``mlflow``.

    No redirects, because a redirect may lead anywhere; no retries, because passes are tried again by the controller; no
    ``.netrc``, because a login comes from a connection or not at all.
    """
    os.environ.update(
        {
            "MLFLOW_HTTP_REQUEST_TIMEOUT": str(int(settings.registry_timeout_seconds)),
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
            "MLFLOW_ALLOW_HTTP_REDIRECTS": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "NETRC": os.devnull,
        }
    )
