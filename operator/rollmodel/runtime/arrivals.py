"""Objects that are new go first: while some wait for their first pass, passes over others wait a little longer.

Many that come at once would else be slowed down by reports about the first of them, which mostly say what another
report says better a moment later.
"""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["ARRIVING_SECONDS", "LONGEST_SECONDS", "Arrivals"]

#: A first pass that takes longer waits for somebody, and holds up nobody.
ARRIVING_SECONDS = 5.0
#: The longest that a pass waits for new objects, in seconds.
LONGEST_SECONDS = 1.0


class Arrivals:
    """Objects whose first pass is not over, by UID. ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began: dict[str, float] = {}

    def begin(self, uid: str) -> None:
        """This object is new."""
        self._began[uid] = self._clock()

    def end(self, uid: str) -> None:
        """Its first pass is over, or it is gone."""
        self._began.pop(uid, None)

    def settle(self, seconds: float) -> float:
        """How long a pass that is not the first waits, if alone it would wait so many seconds."""
        young = self._clock() - ARRIVING_SECONDS
        arriving = sum(began > young for began in self._began.values())
        return max(seconds, min(seconds * (1 + arriving), LONGEST_SECONDS))
