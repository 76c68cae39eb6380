"""Apply and delete objects, each for itself: one that is refused holds up only those that need it."""

from __future__ import annotations

from collections.abc import Mapping

from rollmodel.errors import Conflict, RollmodelError, Transient
from rollmodel.plan.decision import ApplyObject, DeleteObject, Effect, Ref
from rollmodel.ports import Kube
from rollmodel.reconcile.effects.acting import Acting, Handler, Refusal

__all__ = ["FAILED_RETRY_SECONDS", "ObjectHandlers"]

#: When to try again what failed without being refused (a webhook that does not answer), in seconds.
FAILED_RETRY_SECONDS = 10.0


class ObjectHandlers:
    """Writes to the API server."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    @property
    def handlers(self) -> Mapping[type[Effect], Handler]:
        """By class of effect."""
        return {ApplyObject: self._apply, DeleteObject: self._delete}

    async def _apply(self, effect: ApplyObject, acting: Acting) -> None:
        ref = Ref.of(effect.manifest)
        if effect.needs & acting.failed:
            acting.failed.add(ref)
            return
        try:
            await self._kube.apply(effect.manifest)
        except RollmodelError as error:
            acting.failed.add(ref)
            _report(ref, error, acting)
        else:
            acting.done.append(effect)

    async def _delete(self, effect: DeleteObject, acting: Acting) -> None:
        try:
            await self._kube.delete(effect.ref, uid=effect.uid)
        except RollmodelError as error:
            _report(effect.ref, error, acting)
        else:
            acting.done.append(effect)


def _report(ref: Ref, error: RollmodelError, acting: Acting) -> None:
    if isinstance(error, Conflict):
        acting.conflict = error
        return
    acting.refused.append(Refusal(f"{ref.kind} {ref.name}", str(error), transient=isinstance(error, Transient)))
    if isinstance(error, Transient):
        acting.retries.append(max(FAILED_RETRY_SECONDS, error.retry_after or 0.0))
