"""What Kopf calls: for each kind one handler, of its events. All else is the runner's (ADR 18).

Nothing else is registered, for a reason each: a daemon and a delete handler want Kopf's finalizer, which costs each
object two writes and a look at each event; change handlers and timers keep their state in annotations; and indices make
the start quadratic in the number of objects. So Kopf writes nothing to an object, ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import kopf

from rollmodel.api.base import GROUP, VERSION
from rollmodel.reconcile.result import Reconciler
from rollmodel.runtime.tasks.runner import Runner

__all__ = ["Login", "kopf_settings", "register"]

#: Gives the API server's address and a new session that is logged in there.
Login = Callable[[], tuple[str, aiohttp.ClientSession]]


def register(runner: Runner, reconcilers: Mapping[str, Reconciler], login: Login) -> kopf.OperatorRegistry:
    """A handler for each plural."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(id="login", registry=registry)
    async def log_in(**_: Any) -> kopf.AiohttpSession:
        server, session = login()
        return kopf.AiohttpSession(server=server, aiohttp_session=session)

    for plural, reconciler in reconcilers.items():
        _register_kind(registry, plural, runner, reconciler)
    return registry


def _register_kind(registry: kopf.OperatorRegistry, plural: str, runner: Runner, reconciler: Reconciler) -> None:
    @kopf.on.event(GROUP, VERSION, plural, id="run", registry=registry)
    async def run(event: kopf.RawEvent, **_: Any) -> None:
        # The object as it was decoded, not Kopf's slower view of it. Who owns which field is a third of what is kept,
        # and is read when it is asked for.
        seen: Any = event["object"]
        seen["metadata"].pop("managedFields", None)
        runner.on_event(event["type"], seen, reconciler)


class _NoComparison(kopf.DiffBaseStorage):
    """We have no change handlers, so nothing is compared, and nothing needs to be copied and kept for it."""

    def build(self, **_: Any) -> Any:
        """What of an object counts for a comparison: nothing."""
        return None

    def fetch(self, **_: Any) -> Any:
        """What it was compared to last."""
        return None

    def store(self, **_: Any) -> None:
        """Nothing: what is not compared needs no copy in the annotations of an object."""


def kopf_settings(*, anew: bool = False) -> kopf.OperatorSettings:
    """How Kopf shall behave. ``anew``: it is started again in this process, which must outlive it."""
    settings = kopf.OperatorSettings()
    # One that no object has: Kopf takes its own off where no handler needs it, and ours is not for it to take.
    settings.persistence.finalizer = f"{GROUP}/no-finalizer"
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
