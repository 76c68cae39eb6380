"""The Protocols through which ``reconcile`` talks to the outside world.

Adapters implement them against real neighbours, ``tests/support`` in memory. Values that cross a port are plain
data: dicts as the Kubernetes API gives them, and the small frozen classes of this page. Every method raises only
errors of :mod:`rollmodel.errors`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from rollmodel.plan.decision import CreateRun, CreateVersion, Event, LogRun, Ref, SetBackends, SetRunStatus
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.training.observed import TrackedRun, TrackedVersion

__all__ = [
    "Clock",
    "Compute",
    "Connection",
    "Held",
    "Kube",
    "Manifest",
    "Metrics",
    "ModelVersion",
    "Notifier",
    "Registry",
    "Series",
    "Tracking",
    "Webhook",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Series:
    """One time series of a Prometheus range answer.

    ``points`` are (unix time in seconds, value), ascending, on the grid that was asked for; steps without a sample
    are absent.
    """

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a registry is and how to log in. ``repr`` never shows credentials.

    Only the operator's default connection may carry credentials of the operator itself; a connection read from a
    Secret of the object's namespace carries what that Secret holds, and nothing else is ever sent to its address.
    """

    url: str
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    ca: str | None = field(default=None, repr=False)
    """Certificates of a private authority (PEM), trusted beside the public ones."""
    workspace: str | None = None
    """The workspace of MLflow that names are looked up in; None: the server's default one."""
    namespace: str | None = field(default=None, compare=False, kw_only=True)
    """Whose Secret named it, None for the operator's own. Namespaces that name the same registry share its polls."""


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A registered model version, pinned: what the registry said, and the digest of its artifacts.

    ``digest`` is ``sha256:<hex>`` over all files (see :mod:`rollmodel.api.fields.digest`); ``source`` is the artifact
    URI that a pod fetches; ``size_bytes`` is the sum of the file sizes.
    """

    name: str
    version: str
    source: str
    digest: str
    size_bytes: int
    run_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    note: str | None = None
    """What people should know about how it was found."""


@dataclass(frozen=True, slots=True)
class Held:
    """The model ``version`` that an object's status speaks of, first seen by us at ``since`` (``time.monotonic``).

    The operator that wrote it, maybe another one, knew the alias then: our answers from before are outdated.
    """

    version: str
    since: float


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where news go, as a Secret of ``namespace`` says. ``repr`` shows nothing: the address may be a secret, too."""

    url: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    """What messages are signed with."""
    ca: str | None = field(default=None, repr=False)
    """Certificates of a private authority (PEM), trusted beside the public ones."""
    namespace: str | None = None
    content_type: str = "application/cloudevents+json; charset=UTF-8"


class Notifier(Protocol):
    """Webhooks of users."""

    async def send(self, hook: Webhook, event: Mapping[str, Any]) -> None:
        """Send this as JSON, once. Raises Invalid (it was refused) or Unavailable."""
        ...


class Kube(Protocol):
    """The Kubernetes API as the reconciler needs it."""

    @property
    def gateway_available(self) -> bool:
        """Whether the API server serves HTTPRoute of the Gateway API, which is an add-on."""
        ...

    def serves(self, kind: str) -> bool:
        """Whether objects of this kind of children can be made: it is installed, and not switched off."""
        ...

    async def get(self, ref: Ref) -> dict[str, Any] | None:
        """The live object, read from the API server, or None where it does not exist."""
        ...

    def adopt(self, owner: Manifest) -> None:
        """This object exists: its children are kept from now on."""
        ...

    def disown(self, owner: Manifest) -> None:
        """This object is gone, and so are its children soon."""
        ...

    def children(self, owner: Manifest) -> Sequence[dict[str, Any]]:
        """The objects that the owner controls, from the watch cache: no request. Includes our own last writes.

        They are in its namespace, and name it by kind, name and UID. Nobody may change them.
        """
        ...

    def models(self) -> AsyncIterator[Manifest]:
        """All ModelDeployments where we work, read from the API server page by page (used only to count rollouts)."""
        ...

    async def list_workloads(self, namespace: str) -> Sequence[dict[str, Any]] | None:
        """Kueue's Workloads of a namespace, read from the API server; None where Kueue is not installed."""
        ...

    async def list_pods(self, namespace: str, labels: Mapping[str, str]) -> Sequence[dict[str, Any]]:
        """Pods with all these labels, read from the API server (used only while something is not ready)."""
        ...

    async def list_other_routes(self) -> Sequence[Manifest]:
        """HTTPRoutes that are not ours, where we work (used only when an address is new to us)."""
        ...

    def users_route(self, owner: Manifest, name: str) -> Manifest | None:
        """The HTTPRoute of somebody else with this name and our label, in the owner's namespace, from the watch cache.

        It costs no request, and the owner is woken when the route changes.
        """
        ...

    async def set_backends(self, change: SetBackends) -> None:
        """Replace the backends of a rule. Conflict where the route has another resourceVersion."""
        ...

    async def list_drift_policies(self, namespace: str) -> Sequence[dict[str, Any]]:
        """DriftPolicies of a namespace, the newest state of each (used only where one starts a training)."""
        ...

    async def list_refusals(self, namespace: str, uid: str) -> Sequence[str]:
        """Why pods of the Job with this UID could not be created, newest first (used only while it has none)."""
        ...

    async def apply(self, manifest: Manifest) -> dict[str, Any]:
        """Server-side apply with our field manager, force. Returns the object as stored.

        Refuses (Invalid) to touch an object that exists and is controlled by somebody else. Conflict where that is the
        object that had the owner's name before: what it left is being deleted.
        """
        ...

    async def delete(self, ref: Ref, *, uid: str) -> None:
        """Delete in the background, only if the object still has this UID; an absent object is success."""
        ...

    async def patch_status(self, ref: Ref, status: Mapping[str, Any], *, resource_version: str) -> dict[str, Any]:
        """Replace the status as a whole if the object still has this resourceVersion, else Conflict."""
        ...

    async def patch_finalizers(self, ref: Ref, finalizers: Sequence[str], *, resource_version: str) -> dict[str, Any]:
        """Replace the finalizers if the object still has this resourceVersion, else Conflict."""
        ...

    async def event(self, involved: Manifest, event: Event) -> None:
        """Post an Event about an object. Never raises: an Event that cannot be posted is logged."""
        ...

    async def read_secret(self, namespace: str, name: str) -> Mapping[str, str]:
        """The decoded data of a Secret, for a connection. NotFound or Forbidden where it cannot be read."""
        ...

    async def secret_version(self, namespace: str, name: str) -> str:
        """The resourceVersion of a Secret: another one after each write. Nothing of what it holds is received.

        NotFound or Forbidden where it cannot be read.
        """
        ...


class Metrics(Protocol):
    """Prometheus, asked over its HTTP API."""

    async def query_range(self, query: str, *, start: float, end: float, step: float) -> Sequence[Series]:
        """Evaluate at start, start + step, .. end (unix seconds).

        Raises Unavailable (unreachable, 5xx, time-out), Invalid (400, 422: the query is wrong; the message carries
        Prometheus' answer), Forbidden, Untrustworthy (the answer carries warnings, or is not a matrix).
        """
        ...


class Compute(Protocol):
    """Threads for what takes long to compute."""

    async def run(self, work: Callable[[], T]) -> T:
        """What the work returns or raises. The work touches nothing that others change."""
        ...


class Registry(Protocol):
    """The model registry (MLflow)."""

    async def resolve(
        self,
        connection: Connection,
        name: str,
        *,
        version: str | None,
        alias: str | None,
        held: Held | None = None,
        not_before: float = 0.0,
    ) -> ModelVersion:
        """Pin an alias or a version. Raises NotFound, Forbidden, Unavailable, Invalid with the fix in the message.

        An answer about an alias that contradicts what is ``held``, and is older, is asked for anew; so is any answer
        to a question that was put before ``not_before`` (``time.monotonic``).
        """
        ...

    def follow(self, connection: Connection, name: str, alias: str, wake: Any) -> Any:
        """Poll one alias on behalf of everybody who follows it; call ``wake()`` when its version changes.

        One query per (connection, name, alias) and interval, however many follow. Returns a handle with ``close()`` and
        ``read_at``: when the last question was put that was answered (``time.monotonic``).
        """
        ...

    def abandon(self, connection: Connection) -> None:
        """Nobody may use this login any more: end what is read with it beside the passes."""
        ...

    async def set_alias(
        self, connection: Connection, name: str, alias: str, version: str, *, owner: str | None = None
    ) -> None:
        """Move an alias. Idempotent. ``owner`` is the namespace in whose name; None: nobody is asked whose it is.

        Raises Forbidden (``OwnedByAnother``) where another namespace moved it first.
        """
        ...

    async def set_tags(self, connection: Connection, name: str, version: str, tags: Mapping[str, str]) -> None:
        """Set tags on a model version. Idempotent."""
        ...


class Tracking(Protocol):
    """The tracking server (MLflow): runs, and the versions made from them.

    Every method raises NotFound, Forbidden, Invalid or Unavailable; writes are idempotent but for the two ``create_*``.
    """

    async def find_run(self, connection: Connection, experiment: str, owner: str) -> TrackedRun | None:
        """The oldest run of this experiment (by name) whose tag ``rollmodel.dev/owner`` is ``owner``."""
        ...

    async def find_rerun(self, connection: Connection, experiment_id: str, hash_: str, *, but: str) -> str | None:
        """Id of the oldest FINISHED run with this ``rollmodel.dev/reproducibility-hash`` that is not ``but``."""
        ...

    async def get_run(self, connection: Connection, run_id: str) -> TrackedRun:
        """A run as it is now."""
        ...

    async def history(self, connection: Connection, run_id: str, metric: str) -> Sequence[float]:
        """The last value of each step of a metric, by step; empty where it was never logged. Not more than 1,000."""
        ...

    async def artifacts(self, connection: Connection, run_id: str, paths: Sequence[str]) -> frozenset[str]:
        """Which of these paths exist among the run's artifacts."""
        ...

    async def version_of(self, connection: Connection, model: str, owner: str) -> TrackedVersion | None:
        """The lowest version of a model whose tag ``rollmodel.dev/owner`` is ``owner``."""
        ...

    async def version_at(self, connection: Connection, model: str, alias: str) -> TrackedVersion | None:
        """The version that an alias names; None where there is no such model or alias. Always asked anew."""
        ...

    async def model_owner(self, connection: Connection, model: str) -> str | None:
        """The namespace for which this registered model was made; None where none says so, or there is no model."""
        ...

    async def create_run(self, connection: Connection, write: CreateRun, *, owner: str | None = None) -> str:
        """Create a run; returns its id. ``owner`` is the namespace in whose name; None: nobody is asked.

        Raises Forbidden (``OwnedByAnother``) where the experiment was made for another namespace.
        """
        ...

    async def log_run(self, connection: Connection, write: LogRun) -> None:
        """Log params, inputs and tags."""
        ...

    async def set_run_status(self, connection: Connection, write: SetRunStatus) -> None:
        """Set the state of a run."""
        ...

    async def create_version(self, connection: Connection, write: CreateVersion, *, owner: str | None = None) -> str:
        """Create a version from a run's logged model; returns its number.

        Raises NotFound (reason ``ModelNotLogged``) where the run has no model at that path, and Forbidden
        (``OwnedByAnother``) where the registered model was made for another namespace.
        """
        ...


class Clock(Protocol):
    """Time, injected so that tests own it."""

    def now(self) -> datetime:
        """The current time, timezone-aware, UTC."""
        ...
