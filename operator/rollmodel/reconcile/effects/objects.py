"""Apply and delete objects, each for itself: one that is refused holds up only those that need it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from rollmodel.errors import Conflict, RollmodelError, Transient
from rollmodel.plan.decision import ApplyObject, Decision, DeleteObject, Effect, EmitEvent, Ref, SetBackends
from rollmodel.plan.manifest import Manifest
from rollmodel.ports.kubernetes import Kube
from rollmodel.reconcile.effects.admitted import Admitted
from rollmodel.reconcile.effects.execution_state import ExecutionState, Handler, Refusal

__all__ = ["FAILED_RETRY_SECONDS", "Arrived", "ObjectHandlers"]

#: When to try again what failed without being refused (a webhook that does not answer), in seconds.
FAILED_RETRY_SECONDS = 10.0


_WORKLOADS = ("Deployment", "Job")

#: Called with the UID of an object whose workload was made; the rest of the pass waits for it.
Arrived = Callable[[str], Awaitable[None]]


class ObjectHandlers:
    """Writes to the API server. ``clock`` gives seconds; ``arrived`` hears whose workload is made."""

    def __init__(self, kube: Kube, clock: Callable[[], float] = time.monotonic, arrived: Arrived | None = None) -> None:
        self._kube = kube
        self._arrived = arrived
        self._admitted = Admitted(clock)

    @property
    def handlers(self) -> Mapping[type[Effect], Handler]:
        """By class of effect."""
        return {ApplyObject: self._apply, SetBackends: self._set_backends, DeleteObject: self._delete}

    def without_needless(self, body: Manifest, decision: Decision) -> tuple[Decision, tuple[Refusal, ...]]:
        """Leave out what would change nothing, or only go on with a fight; and say which children are fought about."""
        owner: str = body["metadata"]["uid"]
        applies = decision.of(ApplyObject)
        if not applies:
            return decision, ()
        live, repairs = self._live(body), decision.repairs
        kept, fought = set[Ref](), set[Ref]()
        for effect in applies:
            ref = Ref.of(effect.manifest)
            if ref in live and self._admitted.is_kept(owner, effect.manifest, live[ref]):
                kept.add(ref)
            elif ref in repairs and self._admitted.pauses(owner, ref):
                fought.add(ref)
        left_out = kept | fought
        effects = tuple(effect for effect in decision.effects if _child(effect) not in left_out)
        return replace(decision, effects=effects), tuple(map(_fight, sorted(fought, key=str)))

    def forget(self, owner: str) -> None:
        """The object is gone."""
        self._admitted.forget(owner)

    async def _apply(self, effect: ApplyObject, acting: ExecutionState) -> None:
        ref, owner = Ref.of(effect.manifest), acting.body["metadata"]["uid"]
        if effect.needs & acting.failed:
            acting.failed.add(ref)
            return
        before = self._live(acting.body).get(ref)
        try:
            stored = await self._kube.apply(effect.manifest)
        except RollmodelError as error:
            acting.failed.add(ref)
            _report(ref, error, acting)
            return
        acting.done.append(effect)
        event = self._admitted.took(owner, effect.manifest, stored)
        if before is not None and _version(before) == _version(stored):
            return  # the API server had it so: nobody's change, and no news
        acting.changed.add(ref)
        if ref in acting.repairs:
            self._admitted.repaired(owner, ref)
        if event is not None:
            await self._kube.event(acting.body, event)
        if self._arrived is not None and before is None and ref.kind in _WORKLOADS:
            await self._arrived(owner)

    async def _set_backends(self, effect: SetBackends, acting: ExecutionState) -> None:
        try:
            await self._kube.set_backends(effect)
        except RollmodelError as error:
            _report(effect.ref, error, acting)
        else:
            acting.done.append(effect)

    async def _delete(self, effect: DeleteObject, acting: ExecutionState) -> None:
        try:
            await self._kube.delete(effect.ref, uid=effect.uid)
        except RollmodelError as error:
            _report(effect.ref, error, acting)
        else:
            acting.done.append(effect)

    def _live(self, owner: Manifest) -> dict[Ref, Manifest]:
        return {Ref.of(child): child for child in self._kube.children(owner)}


def _child(effect: Effect) -> Ref | None:
    """The child that an effect applies, or tells to be put right."""
    if isinstance(effect, ApplyObject):
        return Ref.of(effect.manifest)
    return effect.repairs if isinstance(effect, EmitEvent) else None


def _version(obj: Manifest) -> str:
    version: str = obj["metadata"]["resourceVersion"]
    return version


def _fight(ref: Ref) -> Refusal:
    about = f"{ref.kind} {ref.name}"
    return Refusal(about, f"{about} is changed by somebody else each time that it is put right", transient=False)


def _report(ref: Ref, error: RollmodelError, acting: ExecutionState) -> None:
    if isinstance(error, Conflict):
        acting.conflict = error
        return
    acting.refused.append(Refusal(f"{ref.kind} {ref.name}", str(error), transient=isinstance(error, Transient)))
    if isinstance(error, Transient):
        acting.retries.append(max(FAILED_RETRY_SECONDS, error.retry_after or 0.0))
