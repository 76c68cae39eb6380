"""Takes what was asked and answered off the hands of requests, and counts it in a thread of its own.

A request pays for a shallow copy and a place in a queue. The thread lets rows gather for a moment: woken by each
request, it would stand in the way of the next one. Where the queue is full, rows are not counted, and that is counted.
Nothing here raises into a request.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rollmodel.serving.drift.counter import Counter, kept, row_count
from rollmodel.serving.drift.signals import GROUPS, Signal

__all__ = ["Recorder"]

Counts = NDArray[np.int64]

#: Requests that wait to be counted, and how many of them are counted together.
WAITING, TOGETHER = 512, 64
#: Values that wait to be counted, at most; a larger request is counted only if nothing else waits.
WAITING_VALUES = 5_000_000
#: For how many seconds requests gather, unless many wait already.
GATHER_SECONDS = 0.1

logger = logging.getLogger("rollmodel.serve")


class Recorder:
    """Counts rows of this process. ``folder`` is where the workers of one server share their counts."""

    def __init__(self, signals: Sequence[Signal], folder: Path | None = None) -> None:
        self._folder = folder
        cells = sum(signal.bins + len(GROUPS) for signal in signals) + 1  # the last one: rows that were not counted
        self._counts = _shared(folder, cells) if folder is not None else np.zeros(cells, dtype=np.int64)
        self._counter = Counter(signals, self._counts[:-1])
        self._queue: queue.Queue[tuple[Any, Any, int]] = queue.Queue(WAITING)
        self._width = len(signals)
        self._values = 0
        self._lock = threading.Lock()
        self._told = False
        self._many = threading.Event()
        threading.Thread(target=self._work, name="rollmodel-drift", daemon=True).start()

    def before(self, data: Any) -> Any:
        """What the model is about to see, safe from what it may do to it."""
        try:
            return kept(data)
        except Exception as error:  # noqa: BLE001  a request must not fail for it
            self._complain(error)
            return None

    def after(self, data: Any, answer: Any) -> None:
        """The model has answered."""
        try:
            rows = row_count(data)
            values = rows * self._width
            with self._lock:
                full = self._values > 0 and self._values + values > WAITING_VALUES
                self._values += 0 if full else values
            if full:
                self._lose(rows)
                return
            try:
                self._queue.put_nowait((data, answer, values))
            except queue.Full:
                self._done(values)
                self._lose(rows)
            if self._queue.qsize() >= TOGETHER or self._values > WAITING_VALUES // 4:
                self._many.set()
        except Exception as error:  # noqa: BLE001  a request must not fail for it
            self._complain(error)

    def counts(self) -> Counts:
        """The cells of all signals, of all workers; the last cell counts the rows that were not counted."""
        if self._folder is None:
            return self._counts.copy()
        total = np.zeros_like(self._counts)
        for path in self._folder.glob("signals-*.counts"):
            found = np.fromfile(path, dtype=np.int64, count=len(total))
            if len(found) == len(total):  # else a worker is just making its file
                total += found
        return total

    def wait(self) -> None:
        """Until all that was handed over is counted."""
        self._queue.join()

    def _work(self) -> None:
        while True:
            items = [self._queue.get()]
            if self._queue.qsize() < TOGETHER:
                self._many.wait(GATHER_SECONDS)
            self._many.clear()
            while len(items) < TOGETHER and not self._queue.empty():
                items.append(self._queue.get_nowait())
            try:
                self._counter.count([(data, answer) for data, answer, _ in items])
            except Exception as error:  # noqa: BLE001  the next rows may be fine
                self._complain(error)
                self._lose(sum(row_count(data) for data, _, _ in items))
            for _, _, values in items:
                self._done(values)
                self._queue.task_done()

    def _done(self, values: int) -> None:
        with self._lock:
            self._values -= values

    def _lose(self, rows: int) -> None:
        with self._lock:
            self._counts[-1] += rows

    def _complain(self, error: Exception) -> None:
        """Once, and without the message, which may hold a value: what goes wrong now will go wrong again."""
        if not self._told:
            self._told = True
            logger.warning("rows cannot be counted for drift (%s)", type(error).__name__)


def _shared(folder: Path, cells: int) -> Counts:
    path = folder / f"signals-{os.getpid()}.counts"
    return np.memmap(path, dtype=np.int64, mode="w+", shape=(cells,))
