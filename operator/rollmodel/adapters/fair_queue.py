"""A queue in which whoever has much to do does not keep others waiting: its owners take turns."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["FairQueue", "Turn"]

#: A place in the queue: who came earlier has the lower number, and the future is told when it comes.
Turn = tuple[int, asyncio.Future[None]]


@dataclass(slots=True)
class _Line:
    """What waits of one owner: what is urgent, and then the rest, each in the order of arrival."""

    urgent: deque[Turn] = field(default_factory=deque)
    usual: deque[Turn] = field(default_factory=deque)

    def __bool__(self) -> bool:
        return bool(self.urgent or self.usual)

    def __contains__(self, turn: Turn) -> bool:
        return turn in self.urgent or turn in self.usual

    def first(self) -> Turn:
        return (self.urgent or self.usual)[0]

    def take(self) -> None:
        (self.urgent or self.usual).popleft()

    def remove(self, turn: Turn) -> None:
        (self.urgent if turn in self.urgent else self.usual).remove(turn)


class FairQueue:
    """Who waits for one thing: its owners in turn, however much each of them has waiting."""

    def __init__(self) -> None:
        self._owners: OrderedDict[str | None, _Line] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._owners)

    def add(self, owner: str | None, turn: Turn, *, urgent: bool) -> None:
        """It waits from now on. What is ``urgent`` goes before what else this owner has, and before nobody else's."""
        line = self._owners.setdefault(owner, _Line())
        (line.urgent if urgent else line.usual).append(turn)

    def first(self, may: Callable[[str | None], bool]) -> tuple[str | None, Turn] | None:
        """Whose turn it is among the owners that ``may`` begin."""
        for owner, line in self._owners.items():
            if may(owner):
                return owner, line.first()
        return None

    def take(self, owner: str | None) -> None:
        """The first of this owner begins; its next comes after those of the others."""
        self._owners[owner].take()
        self._owners.move_to_end(owner)
        self._tidy(owner)

    def discard(self, owner: str | None, turn: Turn) -> None:
        """It waits no more."""
        line = self._owners.get(owner)
        if line is not None and turn in line:
            line.remove(turn)
            self._tidy(owner)

    def _tidy(self, owner: str | None) -> None:
        if not self._owners[owner]:
            del self._owners[owner]
