"""How many rows were written and lost, of all workers of a pod, for Prometheus."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

__all__ = ["OUTCOMES", "LogMetrics", "Tally"]

Counts = NDArray[np.int64]

#: What became of rows. ``deleted`` were written, and made room for newer ones.
OUTCOMES = ("written", "not_sampled", "too_fast", "too_large", "volume_full", "write_failed", "deleted")
_CELLS = (*OUTCOMES, "bytes", "failing")


class Tally:
    """Counts of this process; ``folder`` is where the workers of one server share theirs. Not for several threads."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._counts: Counts = np.zeros(len(_CELLS), dtype=np.int64)
        if folder is not None:
            path = folder / f"predictions-{os.getpid()}.counts"
            self._counts = np.memmap(path, dtype=np.int64, mode="w+", shape=self._counts.shape)

    def add(self, outcome: str, rows: int) -> None:
        """Count rows (or bytes)."""
        self._counts[_CELLS.index(outcome)] += rows

    def failing(self, now: bool) -> None:
        """Whether nothing can be written now."""
        self._counts[-1] = int(now)

    def total(self) -> dict[str, int]:
        """Of all workers."""
        total = self._counts.copy() if self._folder is None else np.zeros_like(self._counts)
        for path in self._folder.glob("predictions-*.counts") if self._folder is not None else ():
            found = np.fromfile(path, dtype=np.int64, count=len(total))
            if len(found) == len(total):  # else a worker is just making its file
                total += found
        return dict(zip(_CELLS, total.tolist(), strict=True))


class LogMetrics(Collector):
    """The counts as series, all there from the start."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def collect(self) -> Iterator[Metric]:
        """Rows of the log by outcome, of all workers."""
        total = self._tally.total()
        rows = CounterMetricFamily(
            "rollmodel_prediction_log_rows", "Rows by what became of them in the prediction log.", labels=["outcome"]
        )
        for outcome in OUTCOMES:
            rows.add_metric([outcome], total[outcome])
        size = CounterMetricFamily("rollmodel_prediction_log_bytes", "Bytes written to the prediction log.")
        size.add_metric([], total["bytes"])
        failing = GaugeMetricFamily(
            "rollmodel_prediction_log_failing", "Workers that cannot write to the prediction log now."
        )
        failing.add_metric([], total["failing"])
        yield from (rows, size, failing)
