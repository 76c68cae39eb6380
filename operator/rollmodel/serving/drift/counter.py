"""Counts batches of rows: all numeric columns of a batch at once, categories one column after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rollmodel.profile.bins import numbers, texts
from rollmodel.serving.drift.signals import PREDICTION, Signal

__all__ = ["Counter", "kept", "row_count", "scores_of"]

Matrix = NDArray[np.float64]
Counts = NDArray[np.int64]
Batch = tuple[Any, Any]
"""What the model was asked, and what it answered."""

#: Comparisons that are made at once; more are made in parts.
_AT_ONCE = 4_000_000


class Counter:
    """Adds to ``counts``, the cells of all signals. Not for several threads."""

    def __init__(self, signals: Sequence[Signal], counts: Counts) -> None:
        self._counts = counts
        self._numeric = [s for s in signals if s.column.kind == "numeric" and s.name != PREDICTION]
        self._categorical = [s for s in signals if s.column.kind == "categorical" and s.name != PREDICTION]
        self._score = next((signal for signal in signals if signal.name == PREDICTION), None)
        self._features = [signal.column.name for signal in signals if signal.name != PREDICTION]
        self._names = [signal.column.name for signal in self._numeric]
        self._bins = _Bins(self._numeric)
        self._score_bins = _Bins([self._score] if self._score and self._score.column.kind == "numeric" else [])
        self._codes = {s.name: {text: code for code, text in enumerate(s.column.categories)} for s in signals}

    def count(self, batches: Sequence[Batch]) -> None:
        """Count these batches. A column that a batch lacks is missing in each of its rows."""
        if self._names:
            self._bins.add(np.concatenate([self._matrix(data) for data, _ in batches]), self._counts)
        for data, answer in batches:
            for signal in self._categorical:
                self._add_texts(signal, _column(data, signal.column.name, self._features), row_count(data))
            self._add_score(answer)

    def _matrix(self, data: Any) -> Matrix:
        """The numeric features [rows, signals]."""
        if hasattr(data, "columns") and list(data.columns) == self._names:
            try:
                return np.asarray(data.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
            except (TypeError, ValueError):
                pass  # a text where a number belongs: column by column
        rows = row_count(data)
        found = np.full((rows, len(self._names)), np.nan)
        for index, name in enumerate(self._names):
            values = _column(data, name, self._features)
            if values is not None:
                found[:, index] = numbers(values)
        return found

    def _add_score(self, answer: Any) -> None:
        values = scores_of(answer)
        if self._score is None or values is None:
            return
        if self._score.column.kind == "numeric":
            self._score_bins.add(numbers(values)[:, None], self._counts)
        else:
            self._add_texts(self._score, values, len(values))

    def _add_texts(self, signal: Signal, values: Any, rows: int) -> None:
        cells, other = signal.cells(self._counts), signal.bins - 1
        if values is None:
            cells[signal.bins] += rows
        else:
            codes, known = self._codes[signal.name], [text for text in texts(values) if text is not None]
            found = np.bincount(
                np.array([codes.get(text, other) for text in known], dtype=np.int64), minlength=signal.bins
            )
            cells[: signal.bins] += found
            cells[signal.bins] += rows - len(known)
            cells[signal.bins + 1] += found[other]
        cells[signal.bins + 2] += rows


class _Bins:
    """The edges of numeric columns, side by side."""

    def __init__(self, signals: Sequence[Signal]) -> None:
        width = max((signal.bins - 1 for signal in signals), default=0)
        self._edges = np.full((len(signals), width), np.inf)
        for row, signal in enumerate(signals):
            self._edges[row, : signal.bins - 1] = signal.column.edges
        self._first = np.array([signal.start for signal in signals], dtype=np.int64)
        self._null = self._first + np.array([signal.bins for signal in signals], dtype=np.int64)
        low, high = zip(*((s.column.low, s.column.high) for s in signals), strict=True) if signals else ((), ())
        self._low = np.array([-np.inf if one is None else one for one in low])
        self._high = np.array([np.inf if one is None else one for one in high])

    def add(self, values: Matrix, counts: Counts) -> None:
        """Count values [rows, columns]."""
        if not self._edges.size and not len(self._first):
            return
        part = max(1, _AT_ONCE // max(1, self._edges.size))
        for begin in range(0, len(values), part):
            self._add(values[begin : begin + part], counts)

    def _add(self, values: Matrix, counts: Counts) -> None:
        inside = (values[:, :, None] > self._edges).sum(axis=2)
        null = np.isnan(values)
        cell = np.where(null, self._null, self._first + inside)
        counts += np.bincount(cell.ravel(), minlength=len(counts))
        counts[self._null + 1] += ((values < self._low) | (values > self._high) | np.isinf(values)).sum(axis=0)
        counts[self._null + 2] += len(values)


def kept(data: Any) -> Any:
    """What the model is about to see, safe from what it may do to it."""
    if isinstance(data, np.ndarray):
        return data.copy()
    return data.copy(deep=False) if hasattr(data, "columns") else data


def row_count(data: Any) -> int:
    """How many rows the model was asked about."""
    if isinstance(data, Mapping):
        return max((len(np.atleast_1d(values)) for values in data.values()), default=0)
    return len(data)


def _column(data: Any, name: str, features: Sequence[str]) -> Any:
    """The values of a column; None where there is none. An array has the profile's order."""
    if isinstance(data, np.ndarray):
        at = features.index(name)
        return data[:, at] if data.ndim == 2 and data.shape[1] == len(features) else None
    if isinstance(data, Mapping) or hasattr(data, "columns"):
        return data.get(name)
    return None


def scores_of(answer: Any) -> Any:
    """One score for each row: of two columns the second, which is the class that is asked about; else None."""
    values = np.asarray(answer)
    if values.ndim == 2 and values.shape[1] in {1, 2}:
        return values[:, -1]
    return values if values.ndim == 1 else None
