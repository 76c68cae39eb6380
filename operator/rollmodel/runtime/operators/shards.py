"""The namespaces of this operator's shard, and when it may work in them.

A change of the list ends all work and begins it anew with the new list, which is rare and cheap: one listing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing

from rollmodel.adapters.kubernetes.watches.namespaces import Labels
from rollmodel.plan.operators.sharding import Rivals, ShardLease, shard_of
from rollmodel.runtime.operators.elector import boot_time

__all__ = ["Shard"]

_log = logging.getLogger(__name__)

#: New namespaces come in bursts; the work is begun anew for them at most this often, in seconds.
JOIN_SECONDS = 5.0
#: How often the Leases of other shards are looked at, while one of them still works where we want to.
LOOK_SECONDS = 1.0

#: Gives the Leases of the other shards.
Others = Callable[[], Awaitable[Sequence[ShardLease]]]


class Shard:
    """One shard. ``changed`` is set when the work has to begin anew; :meth:`begin` gives what it is about then."""

    def __init__(self, name: str, *, clock: Callable[[], float] = boot_time) -> None:
        self.name = name
        self._clock = clock
        self._wanted: tuple[str, ...] = ()
        self.namespaces: Mapping[str, int] = {}
        """How many namespaces of the cluster name which shard."""
        self._rivals = Rivals()
        self.listed = asyncio.Event()
        self.changed = asyncio.Event()

    async def follow(self, namespaces: AsyncIterator[Labels]) -> None:
        """Keep the list true, for ever."""
        async with aclosing(namespaces) as states:  # type: ignore[type-var]
            async for labels in states:
                self.namespaces = Counter(map(shard_of, labels.values()))
                wanted = tuple(sorted(name for name, its in labels.items() if shard_of(its) == self.name))
                if wanted != self._wanted:
                    self._wanted = wanted
                    self.changed.set()
                self.listed.set()

    async def begin(self, *, last: Collection[str] | None) -> tuple[str, ...]:
        """The namespaces to work in. Joins are gathered for a moment, and who has to leave one leaves it at once."""
        if last is not None and set(last) <= set(self._wanted):
            await asyncio.sleep(JOIN_SECONDS)
        self.changed.clear()
        shown = ", ".join(self._wanted)[:1000] or "none"
        _log.info("shard %s: %d namespaces: %s", self.name, len(self._wanted), shown)
        return self._wanted

    async def free(self, wanted: Sequence[str], others: Others) -> tuple[str, ...]:
        """Those of ``wanted`` that nobody else works in. Our own Lease has to name them all before this is asked."""
        held = self._rivals.held(await others(), self._clock())
        waiting = sorted(held & set(wanted))
        if waiting:
            _log.info("shard %s waits for namespaces that another one works in: %s", self.name, ", ".join(waiting))
        return tuple(name for name in wanted if name not in held)

    async def until_freed(self, waiting: Collection[str], others: Others) -> None:
        """Set ``changed`` as soon as one of these is free."""
        held = frozenset(waiting)
        while held >= set(waiting):
            await asyncio.sleep(LOOK_SECONDS)
            held = self._rivals.held(await others(), self._clock())
        self.changed.set()
