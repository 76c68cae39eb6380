"""A line now and then about a transfer: how much of how much, and how fast."""

from __future__ import annotations

import logging
import threading
import time

__all__ = ["Progress"]

INTERVAL_SECONDS = 2.0
MEGABYTE = 1e6

logger = logging.getLogger("rollmodel.fetch")


class Progress:
    """Counts bytes from several threads; ``total`` in bytes, None where the store does not say."""

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._done = 0
        self._begin = self._said = time.monotonic()
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        """Count bytes that arrived, and say so if the last line is a while ago."""
        with self._lock:
            self._done += count
            now = time.monotonic()
            if now - self._said >= INTERVAL_SECONDS:
                self._said = now
                logger.info("%s", self)

    def __str__(self) -> str:
        seconds = max(time.monotonic() - self._begin, 1e-3)
        of = "" if self._total is None else f" of {self._total / MEGABYTE:.1f}"
        return f"{self._done / MEGABYTE:.1f}{of} MB, {self._done / MEGABYTE / seconds:.1f} MB/s"
