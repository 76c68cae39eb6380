"""What a pass reports to the loop that drives it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from rollmodel.plan.decision import Reading
from rollmodel.plan.manifest import Manifest

__all__ = ["Finalizer", "Reconciler", "Result"]


@dataclass(frozen=True, slots=True)
class Result:
    """The end of a pass.

    ``body`` is the object as it now is. ``wrote``: something was changed, so look again whether more is to do: only a
    pass that writes nothing has reached its goal. That look may wait for ``look_again`` seconds, since what comes of a
    write mostly wakes the object sooner. ``requeue_after``: seconds until something is due, None for never.
    ``sample_age`` and ``readings``: see ``Decision``.
    """

    body: Manifest
    wrote: bool = False
    look_again: float = 0.0
    requeue_after: float | None = None
    sample_age: float | None = None
    readings: Sequence[Reading] | None = None


class Reconciler(Protocol):
    """Brings one object to where its spec wants it, one pass at a time. Passes of one object never overlap."""

    async def reconcile(self, body: Manifest) -> Result:
        """One pass over the object as it was last read. Raises errors of :mod:`rollmodel.errors`."""
        ...

    def forget(self, uid: str) -> None:
        """The object is gone, or nobody drives it any more: let go of what was remembered about it."""
        ...


@runtime_checkable
class Finalizer(Protocol):
    """A reconciler that has something to settle outside the cluster when its object is deleted."""

    def owes(self, body: Manifest) -> bool:
        """Whether there is or may soon be something to settle: so long the object has our finalizer."""
        ...

    async def finalize(self, body: Manifest) -> None:
        """The object is being deleted and driven no more. It is let go afterwards, whatever comes of this.

        Cut after 20 s, and called again where the operator ended meanwhile: so it is idempotent.
        """
        ...
