"""Our finalizer, and what is done before an object that has it is let go.

Only objects that leave something outside the cluster have one, an open run in MLflow: all that we make inside it goes
with its owner. Earlier releases put it on every object, so the first pass takes it off where it is not needed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from rollmodel.api.base import GROUP
from rollmodel.backoff import Backoff
from rollmodel.errors import Conflict, NotFound, RollmodelError
from rollmodel.plan.decision import Ref
from rollmodel.plan.manifest import Manifest
from rollmodel.ports.kubernetes import Kube
from rollmodel.reconcile.result import Finalizer, Reconciler

__all__ = ["FINALIZER", "FINALIZE_SECONDS", "let_go", "needs_finalizer", "title", "with_finalizer"]

_log = logging.getLogger(__name__)

FINALIZER = f"{GROUP}/finalizer"
#: How long an object that is being deleted is held at most, in seconds.
FINALIZE_SECONDS = 20.0


def needs_finalizer(reconciler: Reconciler, body: Manifest) -> bool:
    """Whether this object is held until it is settled."""
    return isinstance(reconciler, Finalizer) and reconciler.owes(body)


async def with_finalizer(kube: Kube, body: Manifest, *, needed: bool) -> Manifest:
    """The object with our finalizer, or without it; written only where that changes it. Conflict: it is not so new."""
    names = _finalizers(body)
    if (FINALIZER in names) == needed:
        return body
    wanted = [*names, FINALIZER] if needed else [name for name in names if name != FINALIZER]
    version: str = body["metadata"]["resourceVersion"]
    return await kube.patch_finalizers(Ref.of(body), wanted, resource_version=version)


async def let_go(kube: Kube, reconciler: Reconciler, body: Manifest) -> None:
    """Settle what an object that is being deleted leaves elsewhere, then take our finalizer off, however long it takes.

    An object without our finalizer is settled already, or has nothing to settle.
    """
    if FINALIZER not in _finalizers(body):
        return
    if isinstance(reconciler, Finalizer):
        await _settle(reconciler, body)
    live: Manifest | None = body
    backoff = Backoff(first=0.1, cap=30.0)
    while True:
        try:
            if live is None:
                live = await kube.get(Ref.of(body))
            if live is not None and live["metadata"]["uid"] == body["metadata"]["uid"]:
                await with_finalizer(kube, live, needed=False)
        except NotFound:
            return
        except RollmodelError as error:
            if not isinstance(error, Conflict):
                _log.warning("%s: cannot be let go yet: %s", title(Ref.of(body)), error)
        else:
            return
        live = None
        await asyncio.sleep(backoff.next())


async def _settle(reconciler: Finalizer, body: Manifest) -> None:
    """Never raises: no outage holds an object."""
    name = title(Ref.of(body))
    try:
        async with asyncio.timeout(FINALIZE_SECONDS):
            await reconciler.finalize(body)
    except (RollmodelError, TimeoutError) as error:
        _log.warning("%s: deleted with loose ends: %s", name, str(error) or "no answer in time")
    except Exception:  # noqa: BLE001 - a bug must not hold an object either
        _log.exception("%s: deleted with loose ends: unexpected error", name)


def title(ref: Ref) -> str:
    """What an object is called in the log."""
    return f"{ref.kind} {ref.namespace}/{ref.name}"


def _finalizers(body: Manifest) -> Sequence[str]:
    return body["metadata"].get("finalizers") or ()
