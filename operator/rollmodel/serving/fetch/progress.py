"""A line now and then about a transfer: how much of how much, and how fast. One that hardly moves is given up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from rollmodel.errors import Terminal, Unavailable

__all__ = ["Progress", "watched"]

INTERVAL_SECONDS = 2.0
MEGABYTE = 1e6

#: At least so many bytes have to move within so many seconds: 1 kB/s. Nothing else ends a store that trickles.
LEAST_BYTES, LEAST_SECONDS = 600_000, 600.0

logger = logging.getLogger("rollmodel.fetch")

T = TypeVar("T")


class Progress:
    """Counts bytes from several threads; ``total`` in bytes, None where the store does not say."""

    def __init__(self, total: int | None = None) -> None:
        self.total = total
        self.moved = 0
        """Bytes that arrived or were worked on: as long as this grows, nothing hangs."""
        self._done = 0
        self._stopped = False
        self._begin = self._said = time.monotonic()
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        """Count bytes that arrived, and say so if the last line is a while ago. Raises Terminal after :meth:`stop`."""
        self.work(count)
        with self._lock:
            self._done += count
            now = time.monotonic()
            if now - self._said >= INTERVAL_SECONDS:
                self._said = now
                logger.info("%s", self)

    def work(self, count: int) -> None:
        """Count bytes that were hashed or unpacked. Raises Terminal after :meth:`stop`."""
        with self._lock:
            self.moved += count
        if self._stopped:
            raise Terminal("the transfer was given up")

    def stop(self) -> None:
        """Whoever counts on is stopped."""
        self._stopped = True

    def __str__(self) -> str:
        seconds = max(time.monotonic() - self._begin, 1e-3)
        of = "" if self.total is None else f" of {self.total / MEGABYTE:.1f}"
        return f"{self._done / MEGABYTE:.1f}{of} MB, {self._done / MEGABYTE / seconds:.1f} MB/s"


def watched(work: Callable[[], T], progress: Progress, *, least: int | None = None, seconds: float | None = None) -> T:
    """The result of ``work``, in a thread of its own, while at least ``least`` bytes move in each ``seconds``.

    Raises Unavailable (TooSlow) else; the thread ends with the process.
    """
    least, seconds = LEAST_BYTES if least is None else least, LEAST_SECONDS if seconds is None else seconds
    outcome, moved, since = Future[T](), progress.moved, time.monotonic()
    threading.Thread(target=_into, args=(outcome, work), daemon=True).start()
    while not wait([outcome], timeout=seconds / 20).done:
        now = time.monotonic()
        if progress.moved - moved >= least:
            moved, since = progress.moved, now
        elif now - since >= seconds:
            progress.stop()
            came, needed = f"{(progress.moved - moved) / 1e3:.1f} kB in {seconds:g} s", least / seconds / 1e3
            message = f"the store hangs or is too slow: {came}, {progress}; at least {needed:g} kB/s are needed"
            raise Unavailable(message, reason="TooSlow")
    return outcome.result()


def _into(outcome: Future[T], work: Callable[[], T]) -> None:
    try:
        outcome.set_result(work())
    except BaseException as error:  # noqa: BLE001  raised by whoever waits
        outcome.set_exception(error)
