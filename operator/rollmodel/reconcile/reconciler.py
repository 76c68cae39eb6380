"""One pass over an object of any kind: parse the spec, gather, decide, execute."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Generic, TypeVar

from pydantic import ValidationError

from rollmodel.api.base import ApiModel
from rollmodel.errors import Forbidden
from rollmodel.plan.access.admission import Admission
from rollmodel.plan.manifest import Manifest
from rollmodel.ports.process import Clock, Compute
from rollmodel.ports.registry import Connection
from rollmodel.reconcile.compute import Inline, computed
from rollmodel.reconcile.connections import Connections
from rollmodel.reconcile.execute import Execution, Executor, no_connection
from rollmodel.reconcile.kind import Kind
from rollmodel.reconcile.parsed_specs import ParsedSpecs
from rollmodel.reconcile.references import Place, References, secret, the_object
from rollmodel.reconcile.rejections import Rejections
from rollmodel.reconcile.result import Result
from rollmodel.reconcile.stalled import Outcome, explain, stalled

__all__ = ["KindReconciler", "Parts", "reconciler_of"]

Spec = TypeVar("Spec", bound=ApiModel)
Status = TypeVar("Status", bound=ApiModel)
Observed = TypeVar("Observed")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the reconcilers of all kinds share."""

    executor: Executor
    connections: Connections
    references: References
    clock: Clock
    admission: Admission = field(default_factory=Admission)
    compute: Compute = field(default_factory=Inline)


class KindReconciler(Generic[Spec, Status, Observed]):
    """Brings objects of one kind to where their spec wants them. All is decided by ``kind.decide``, which is pure."""

    def __init__(self, kind: Kind[Spec, Status, Observed], parts: Parts) -> None:
        self._kind = kind
        self._executor = parts.executor
        self._connections = parts.connections
        self._references = parts.references
        self._clock = parts.clock
        self._admission = parts.admission
        self._compute = parts.compute
        self._rejections = Rejections()
        self._specs = ParsedSpecs(kind.spec)

    async def reconcile(self, body: Manifest) -> Result:
        """One pass. A spec that is not understood (stored before a rule existed, or by a newer release) is told.

        Only parsing the spec can say so: whatever else does not validate is a bug of ours, and raised as one.
        """
        try:
            spec = self._specs.of(body)
        except ValidationError as error:
            return await self._left_alone(body, "InvalidSpec", explain(error), self._kind.outcome)
        try:
            self._admission.check(body["metadata"]["namespace"], spec)
        except Forbidden as error:
            return await self._left_alone(body, error.reason, str(error), self._kind.outcome or "Ready")
        status = self._kind.status.model_validate(body.get("status", {}))
        return await self._reconcile(body, spec, status)

    def forget(self, uid: str) -> None:
        """The object is gone, or nobody drives it any more."""
        self._kind.forget(uid)
        self._references.forget(uid)
        self._rejections.forget(uid)
        self._specs.forget(uid)
        self._executor.forget(uid)

    async def _reconcile(self, body: Manifest, spec: Spec, status: Status) -> Result:
        uid, namespace = body["metadata"]["uid"], body["metadata"]["namespace"]
        try:
            observed = await self._kind.gather(body, spec, status, self._rejections.of(uid))
        except Forbidden as error:  # a right to read is missing: what was not seen is not decided about
            told = await self._left_alone(body, "Refused", str(error), None)
            return replace(told, requeue_after=self._rejections.retry(uid))
        decide = partial(self._kind.decide, observed)
        decision = await computed(self._compute, decide, numbers=self._kind.numbers(observed))
        reference = self._kind.connection(spec)
        place = self._refer(uid, namespace, spec)

        async def connect() -> Connection:
            return await self._connections.find(namespace, reference)

        execution = await self._executor.execute(body, decision, connect)
        if execution.login_refused:
            self._connections.invalidate(namespace, reference)
        self._announce(body, place, execution)
        news = self._rejections.remember(uid, execution.refused, self._clock.now())
        return Result(
            execution.body,
            wrote=execution.wrote or news,
            look_again=self._kind.look_again,
            requeue_after=self._rejections.soonest(
                uid, execution.refused, decision.requeue_after, execution.retry_after, self._kind.retry(observed)
            ),
            sample_age=decision.sample_age,
            readings=decision.readings,
        )

    def _refer(self, uid: str, namespace: str, spec: Spec) -> Place:
        """Note what the object refers to. Others may wait for the connection that it has found."""
        reference = self._kind.connection(spec)
        connection = self._connections.known(namespace, reference)
        place = Place(namespace, connection.url if connection is not None else None)
        secrets = [] if reference is None else [secret(namespace, reference.name)]
        self._references.refer(uid, [*self._kind.refers(place, spec), *secrets])
        for topic in secrets:
            self._references.note(topic, missing=connection is None, by=uid)
        return place

    def _announce(self, body: Manifest, place: Place, execution: Execution) -> None:
        """Tell those who depend on what this pass changed."""
        meta = body["metadata"]
        for topic in self._kind.announces(place, execution.done):
            self._references.announce(topic, by=meta["uid"])
        if execution.wrote:
            self._references.announce(the_object(body["kind"], meta["namespace"], meta["name"]), by=meta["uid"])

    async def _left_alone(self, body: Manifest, reason: str, message: str, unknown: Outcome | None) -> Result:
        """Say it, and touch nothing else."""
        decision = stalled(body, reason, message, now=self._clock.now(), unknown=unknown)
        execution = await self._executor.execute(body, decision, no_connection)
        return Result(execution.body, wrote=execution.wrote)


class _Finalizing(KindReconciler[Spec, Status, Observed]):
    """Of a kind that leaves something outside the cluster."""

    def __init__(
        self,
        kind: Kind[Spec, Status, Observed],
        finalize: Callable[[Manifest], Awaitable[None]],
        parts: Parts,
    ) -> None:
        super().__init__(kind, parts)
        self._finalize = finalize

    def owes(self, body: Manifest) -> bool:
        """Whether there is or may soon be something to settle."""
        return self._kind.owes(body)

    async def finalize(self, body: Manifest) -> None:
        """The object is being deleted and driven no more."""
        await self._finalize(body)


def reconciler_of(kind: Kind[Spec, Status, Observed], parts: Parts) -> KindReconciler[Spec, Status, Observed]:
    """The reconciler of a kind; it is a ``Finalizer`` where the kind has something to finalize."""
    if kind.finalize is None:
        return KindReconciler(kind, parts)
    return _Finalizing(kind, kind.finalize, parts)
