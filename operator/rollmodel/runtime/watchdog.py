"""Is work getting done? A process can be alive, and its event loop too, while no pass ever ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Watchdog"]


class Watchdog:
    """Counts passes that are due, and remembers when one last ended."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due = 0
        self._since = clock()

    @contextmanager
    def due(self) -> Iterator[None]:
        """Around one pass, from the moment when it is due until it has ended, well or badly."""
        if self._due == 0:
            self._since = self._clock()
        self._due += 1
        try:
            yield
        finally:
            self._due -= 1
            self._since = self._clock()

    def stuck(self) -> float:
        """Seconds for which passes have been due without one ending; 0 while nothing is due."""
        return self._clock() - self._since if self._due else 0.0
