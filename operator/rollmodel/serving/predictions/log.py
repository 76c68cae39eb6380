"""Takes what was asked and answered off the hands of requests, and writes it in a thread of its own.

A request pays for a place in a queue. Where the queue is full, or nothing can be written, rows are lost, and that is
counted. Nothing here raises into a request, and no message repeats a value.
"""

from __future__ import annotations

import errno
import logging
import queue
import threading
import time
from collections.abc import Sequence

from rollmodel.errors import RollmodelError
from rollmodel.serving.drift.counter import kept, row_count
from rollmodel.serving.predictions.config import LogConfig
from rollmodel.serving.predictions.files import NotTakenError, OpenFile, Shelf
from rollmodel.serving.predictions.identity import current, is_sampled
from rollmodel.serving.predictions.records import Record, Recorded, Request
from rollmodel.serving.predictions.tally import Tally

__all__ = ["PredictionLog"]

#: Requests and values that wait to be written, at most.
WAITING, WAITING_VALUES = 1024, 2_000_000
#: Requests are collected for so long, so that they are written together.
COLLECT_SECONDS = 0.2
TOGETHER = 256
#: After a failure nothing is written for so long.
REST_SECONDS = 10.0
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

logger = logging.getLogger("rollmodel.serve")


class PredictionLog:
    """The log of this process. It is shown each call of the model as an observer is."""

    def __init__(
        self, config: LogConfig, shelf: Shelf, tally: Tally, *, names: Sequence[str] = (), about: str = "{}"
    ) -> None:
        self._config = config
        self._shelf = shelf
        self._tally = tally
        self._recorded = Recorded(config, names)
        self._about: str | None = about
        self._queue: queue.Queue[tuple[Request, int] | None] = queue.Queue(WAITING)
        self._values = 0
        self._lock = threading.Lock()
        self._file: OpenFile | None = None
        self._resting = self._undelivered = 0.0
        self._said = ""
        self._failing = False
        self._troubled = ""
        self._thread = threading.Thread(target=self._work, name="rollmodel-predictions", daemon=True)
        self._thread.start()

    def before(self, data: object) -> object:
        """What the model is about to see, safe from what it may do to it."""
        try:
            return kept(data)
        except Exception as error:  # noqa: BLE001  a request must not fail for it
            self._say(type(error).__name__)
            return None

    def after(self, data: object, answer: object) -> None:
        """The model has answered."""
        try:
            request = Request(current.get(), time.time(), data, answer)
            rows = row_count(data)
            if not is_sampled(request.id, self._config.sample_ratio):
                self._count("not_sampled", rows)
                return
            values = rows * _width(data)
            with self._lock:
                full = self._values > 0 and self._values + values > WAITING_VALUES
                self._values += 0 if full else values
            if full:
                self._count("too_fast", rows)
                return
            try:
                self._queue.put_nowait((request, values))
            except queue.Full:
                self._done(values)
                self._count("too_fast", rows)
        except Exception as error:  # noqa: BLE001  a request must not fail for it
            self._say(type(error).__name__)

    def close(self, seconds: float = 5.0) -> None:
        """Write what waits and complete the file, for at most so long."""
        try:
            self._queue.put(None, timeout=seconds)
        except queue.Full:
            return
        self._thread.join(seconds)

    def wait(self) -> None:
        """Until all that was handed over is written or lost."""
        self._queue.join()

    def _work(self) -> None:
        while True:
            items, last = self._take()
            self._write([request for request, _ in items])
            for _, values in items:
                self._done(values)
            for _ in range(len(items) + last):
                self._queue.task_done()
            if last:
                self._end_file()
                self._undelivered = 0.0
                self._deliver()
                return

    def _take(self) -> tuple[list[tuple[Request, int]], bool]:
        """What was collected; after a while without requests: nothing, so that files are completed in time."""
        items: list[tuple[Request, int]] = []
        until = time.monotonic() + COLLECT_SECONDS
        while len(items) < TOGETHER:
            wait = until - time.monotonic() if items else 1.0
            try:
                item = self._queue.get(timeout=max(0.0, wait))
            except queue.Empty:
                return items, False
            if item is None:
                return items, True
            items.append(item)
        return items, False

    def _write(self, requests: Sequence[Request]) -> None:
        records: list[Record] = []
        for request in requests:
            try:
                records += self._recorded.records(request)
            except Exception as error:  # noqa: BLE001  the next request may be fine
                self._count("write_failed", request.rows)
                self._say(type(error).__name__)
        if time.monotonic() < self._resting:
            self._count(self._troubled, len(records))
            return
        try:
            self._prepare(time.time())
            if records:
                self._add(records)
            self._deliver()
        except Exception as error:  # noqa: BLE001  a disk, a store, or a file format: the pod goes on serving
            self._trouble(error, len(records))

    def _prepare(self, now: float) -> None:
        """Complete the file that is due, and say what the files are."""
        if self._file is not None and self._file.is_due(now):
            self._end_file()
        if self._about is not None:
            self._shelf.write_about(self._about)
            self._about = None

    def _deliver(self) -> None:
        """Send complete files. A store that is away costs no row until too many of them wait."""
        if time.monotonic() < self._undelivered:
            return
        try:
            self._shelf.tidy()
        except OSError as error:
            self._undelivered = time.monotonic() + REST_SECONDS
            self._fail(True)
            self._say(_words(error))
            return
        self._well()

    def _add(self, records: Sequence[Record]) -> None:
        if self._file is None:
            self._file = self._shelf.begin(records[0].time)
        before = self._file.encoder.size
        too_large, written = self._file.encoder.add(records)
        self._file.rows += len(records) - too_large
        self._count("too_large", too_large)
        self._count("written", written)
        self._count("bytes", self._file.encoder.size - before)

    def _end_file(self) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        before = file.encoder.size
        try:
            self._count("written", file.close())
        except Exception as error:  # noqa: BLE001  as above
            self._file = file
            self._trouble(error, 0)
            return
        self._count("bytes", file.encoder.size - before)
        self._count("deleted", self._shelf.done(file))

    def _trouble(self, error: Exception, rows: int) -> None:
        """Rows are lost. Nothing is tried for a while, and Parquet begins a new file then."""
        self._troubled = "volume_full" if getattr(error, "errno", None) in _FULL else "write_failed"
        if self._file is not None and (self._config.format == "Parquet" or self._troubled != "volume_full"):
            rows += self._file.give_up()
            self._file = None
        self._count(self._troubled, rows)
        self._fail(True)
        self._resting = time.monotonic() + REST_SECONDS
        self._say(error.reason if isinstance(error, RollmodelError) else _words(error))

    def _well(self) -> None:
        if self._failing:
            self._troubled = self._said = ""
            self._fail(False)
            logger.info("predictions are logged again")

    def _fail(self, now: bool) -> None:
        self._failing = now
        self._tally.failing(now)

    def _done(self, values: int) -> None:
        with self._lock:
            self._values -= values

    def _count(self, outcome: str, rows: int) -> None:
        if rows:
            with self._lock:
                self._tally.add(outcome, rows)

    def _say(self, trouble: str) -> None:
        """Once for each kind of trouble in a row."""
        if trouble != self._said:
            self._said = trouble
            logger.warning("predictions are not logged (%s); the model is served", trouble)


def _words(error: Exception) -> str:
    if isinstance(error, NotTakenError):
        return str(error)
    return f"{type(error).__name__} {errno.errorcode.get(getattr(error, 'errno', None) or 0, '')}".strip()


def _width(data: object) -> int:
    shape = getattr(data, "shape", None)
    return int(shape[1]) if isinstance(shape, tuple) and len(shape) == 2 else 1
