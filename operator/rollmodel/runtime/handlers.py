"""What Kopf calls: a daemon per object, which is its reconcile loop, and an event handler, which may wake it.

All that we make in the cluster goes with its owner. A kind that leaves something elsewhere, a run in MLflow, also has
a delete handler: the end of a daemon is no place for that, because for an object that was deleted while no operator ran
Kopf starts no daemon. The handler is filtered on the time of deletion: while the object lives there is none for Kopf,
and nothing to wait for or to note on it. The finalizer that it needs is there for the daemon.

Nothing else is registered, for a reason each: other change handlers and timers run beside the daemon and keep their
state in annotations, and indices make the start quadratic in the number of objects. So Kopf writes one thing to an
object, ever: its finalizer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import aiohttp
import kopf

from rollmodel.api.base import GROUP, VERSION
from rollmodel.reconcile.result import Finalizer, Reconciler
from rollmodel.runtime.controller import FINALIZER, Controller

__all__ = ["Login", "kopf_settings", "register"]

#: Gives the API server's address and a new session that is logged in there.
Login = Callable[[], tuple[str, aiohttp.ClientSession]]


def register(
    controller: Controller, reconcilers: Mapping[str, Reconciler], login: Login, *, started: datetime
) -> kopf.OperatorRegistry:
    """Handlers for each plural; ``started`` is when the process did: objects older than it are taken up gradually."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(id="login", registry=registry)
    async def log_in(**_: Any) -> kopf.AiohttpSession:
        server, session = login()
        return kopf.AiohttpSession(server=server, aiohttp_session=session)

    for plural, reconciler in reconcilers.items():
        _register_kind(registry, plural, controller, reconciler, started)
    return registry


def _register_kind(
    registry: kopf.OperatorRegistry, plural: str, controller: Controller, reconciler: Reconciler, started: datetime
) -> None:
    # Cancelled at once when the object is deleted or the operator ends: a pass may be cut anywhere.
    @kopf.daemon(GROUP, VERSION, plural, id="drive", registry=registry, cancellation_timeout=10.0)
    async def drive(body: kopf.Body, **_: Any) -> None:
        created = datetime.fromisoformat(body["metadata"]["creationTimestamp"])
        await controller.drive(reconciler, lambda: dict(body), delay=created < started)

    @kopf.on.event(GROUP, VERSION, plural, id="wake", registry=registry)
    async def wake(event: kopf.RawEvent, **_: Any) -> None:
        # The object as it was decoded, not Kopf's slower view of it. Kopf keeps it; who owns which field is a third of
        # that, and is read when it is asked for.
        seen: Any = event["object"]
        seen["metadata"].pop("managedFields", None)
        controller.on_event(seen)

    if isinstance(reconciler, Finalizer):
        _register_end(registry, plural, controller, reconciler)


def _register_end(registry: kopf.OperatorRegistry, plural: str, controller: Controller, reconciler: Finalizer) -> None:
    @kopf.on.delete(GROUP, VERSION, plural, id="finalize", registry=registry, when=_is_deleted)
    async def finalize(body: kopf.Body, **_: Any) -> None:
        await controller.finalize(reconciler, dict(body))


def _is_deleted(body: kopf.Body, **_: Any) -> bool:
    return "deletionTimestamp" in body["metadata"]


class _NoComparison(kopf.DiffBaseStorage):
    """We have no change handlers, so nothing is compared, and nothing needs to be copied and kept for it."""

    def build(self, **_: Any) -> Any:
        """What of an object counts for a comparison: nothing."""
        return {}

    def fetch(self, **_: Any) -> Any:
        """What it was compared to last."""
        return None

    def store(self, **_: Any) -> None:
        """Remember that."""


class _NoProgress(kopf.AnnotationsProgressStorage):
    """Our one delete handler is not tried again, so nobody has to know how far it came.

    Kopf still touches an object that is being deleted while its daemon takes time to end, to be called again.
    """

    def store(self, **_: Any) -> None:
        """Remember how far a handler came."""


def kopf_settings(*, anew: bool = False) -> kopf.OperatorSettings:
    """How Kopf shall behave. ``anew``: it is started again in this process, which must outlive it."""
    settings = kopf.OperatorSettings()
    settings.persistence.finalizer = FINALIZER
    settings.persistence.progress_storage = _NoProgress(prefix=GROUP, v1=False)
    settings.persistence.diffbase_storage = _NoComparison()
    settings.posting.enabled = False  # we post our own Events, on transitions only
    settings.peering.standalone = True
    settings.scanning.disabled = True  # main has checked that our CRDs are there
    settings.watching.server_timeout = 290
    settings.watching.client_timeout = 330
    settings.watching.connect_timeout = 10
    settings.watching.chunk_size = 100
    settings.networking.connect_timeout = 10
    settings.networking.request_timeout = 60
    settings.queueing.idle_timeout = 1.0
    settings.background.instant_exit_timeout = 1.0
    settings.process.ultimate_exiting_timeout = None if anew else 30.0
    return settings
