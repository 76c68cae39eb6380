"""A kind as a record of its parts: all that :mod:`rollmodel.reconcile.reconciler` has to know about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rollmodel.api.base import ApiModel, LocalRef
from rollmodel.plan.decision import Decision, Effect
from rollmodel.plan.manifest import Manifest
from rollmodel.reconcile.references import Place, Topic
from rollmodel.reconcile.stalled import Outcome

__all__ = ["Gather", "Kind"]

Spec = TypeVar("Spec", bound=ApiModel)
Status = TypeVar("Status", bound=ApiModel)
Observed = TypeVar("Observed")

#: Reads what ``decide`` needs: of the body, its spec and status, and what the previous pass was refused.
Gather = Callable[[Manifest, Spec, Status, Sequence[str]], Awaitable[Observed]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[Spec, Status, Observed]):
    """The parts of a kind. A new kind is one such record, in the table of ``runtime.kinds``."""

    plural: str
    spec: type[Spec]
    status: type[Status]
    outcome: Outcome | None = None
    """The condition that becomes Unknown where the spec is not understood."""
    gather: Gather[Spec, Status, Observed]
    decide: Callable[[Observed], Decision]
    """What should be true next. Pure: no I/O and no clock."""
    numbers: Callable[[Observed], int] = lambda _: 0
    """How many numbers ``decide`` computes with: it runs in a thread where they are many."""
    connection: Callable[[Spec], LocalRef | None] = lambda _: None
    """The Secret that names the registry of an object; None for the operator's own registry."""
    retry: Callable[[Observed], float | None] = lambda _: None
    """Seconds until what could not be found out is worth another try."""
    look_again: float = 0.0
    """How long the look after a pass that wrote may wait, in seconds, see ``Result``."""
    refers: Callable[[Place, Spec], Iterable[Topic]] = lambda _, __: ()
    """What an object depends on: it is woken when that changes."""
    announces: Callable[[Place, Sequence[Effect]], Iterable[Topic]] = lambda _, __: ()
    """What these effects, which were carried out, have changed. That the object itself changed is announced anyway."""
    finalize: Callable[[Manifest], Awaitable[None]] | None = None
    """Settles what an object that is being deleted leaves outside the cluster. Never raises errors of ours."""
    owes: Callable[[Manifest], bool] = lambda _: True
    """Whether there is or may soon be something to settle, where there is ``finalize``."""
    forget: Callable[[str], None] = lambda _: None
    """The object with this UID is gone."""
