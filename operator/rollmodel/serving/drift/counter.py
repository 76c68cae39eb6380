"""Counts batches of rows: all numeric columns of a batch at once, categories by one look into a dictionary each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rollmodel.profile.bins import numbers, texts
from rollmodel.serving.drift.signals import PREDICTION, Signal
from rollmodel.serving.drift.tables import AT_ONCE, PLAIN, Cells, alike, column_of, in_cells, joined, row_count

__all__ = ["Counter", "kept", "row_count", "scores_of"]

Matrix = NDArray[np.float64]
Counts = NDArray[np.int64]
Batch = tuple[Any, Any]
"""What the model was asked, and what it answered."""


class Counter:
    """Adds to ``counts``, the cells of all signals. Not for several threads."""

    def __init__(self, signals: Sequence[Signal], counts: Counts) -> None:
        self._counts = counts
        self._features = [signal.column.name for signal in signals if signal.name != PREDICTION]
        numeric = [s for s in signals if s.column.kind == "numeric" and s.name != PREDICTION]
        self._names = [signal.column.name for signal in numeric]
        self._bins = _Bins(numeric)
        categorical = [s for s in signals if s.column.kind == "categorical" and s.name != PREDICTION]
        self._categories = [_Categories(signal, counts) for signal in categorical]
        score = next((signal for signal in signals if signal.name == PREDICTION), None)
        self._score: _Bins | _Categories | None = None
        if score is not None:
            self._score = _Bins([score]) if score.column.kind == "numeric" else _Categories(score, counts)

    def count(self, batches: Sequence[Batch]) -> None:
        """Count these batches. A column that a batch lacks is missing in each of its rows."""
        for parts in alike([data for data, _ in batches]):
            self._add_features(joined(parts) if len(parts) > 1 else in_cells(parts[0]), parts)
        self._add_scores([answer for _, answer in batches])

    def _add_features(self, data: Any, parts: Sequence[Any]) -> None:
        """``data`` is made of the ``parts``."""
        if self._names:
            self._bins.add(self._matrix(data), self._counts)
        for categories in self._categories:
            values = column_of(data, categories.column, self._features)
            if len(parts) > 1 and np.asarray(values).dtype.kind in PLAIN:  # 1 beside 2.5 has become 1.0
                for part in parts:
                    categories.add(column_of(part, categories.column, self._features), row_count(part))
            else:
                categories.add(values, row_count(data))

    def _matrix(self, data: Any) -> Matrix:
        """The numeric features [signals, rows]."""
        values = self._at_once(data)
        if values is not None:
            return values.astype(np.float64, copy=False).T
        found = np.full((len(self._names), row_count(data)), np.nan)
        for index, name in enumerate(self._names):
            column = column_of(data, name, self._features)
            if column is not None:
                found[index] = numbers(column)
        return found

    def _at_once(self, data: Any) -> NDArray[Any] | None:
        """All numeric features as one matrix of numbers [rows, signals]; None where it is not one."""
        if isinstance(data, Cells):
            return data.numbers(self._names)
        if isinstance(data, np.ndarray):
            fits = data.ndim == 2 and data.shape[1] == len(self._features) == len(self._names)
            return data if fits and data.dtype.kind in PLAIN else None
        if not hasattr(data, "columns") or data.columns.tolist() != self._names:
            return None
        values: NDArray[Any] = data.to_numpy()
        return values if values.dtype.kind in PLAIN else None

    def _add_scores(self, answers: Sequence[Any]) -> None:
        found = [values for values in map(scores_of, answers) if values is not None]
        if isinstance(self._score, _Categories):
            for values in found:
                self._score.add(values, len(values))
        elif self._score is not None and found:
            self._score.add(np.concatenate([numbers(values) for values in found])[None], self._counts)


class _Categories:
    """The categories of one column."""

    def __init__(self, signal: Signal, counts: Counts) -> None:
        self.column = signal.column.name
        self._cells, self._bins = signal.cells(counts), signal.bins
        codes = {text: code for code, text in enumerate(signal.column.categories)}
        self._codes: Mapping[Any, int] = codes
        #: Texts and what is no text but says that a value is missing; all else is looked at more closely.
        self._known: dict[Any, int] = {**codes, None: signal.bins}

    def add(self, values: Any, rows: int) -> None:
        """Count them; None: the column is missing in these rows."""
        if values is None:
            self._cells[self._bins] += rows
        else:
            found = np.bincount(self._coded(values), minlength=self._bins + 1)
            self._cells[: self._bins + 1] += found
            self._cells[self._bins + 1] += found[self._bins - 1]
        self._cells[self._bins + 2] += rows

    def _coded(self, values: Any) -> NDArray[np.int64]:
        """Of each value its bin, and behind the last bin those that are missing."""
        plain = np.asarray(values, dtype=object).ravel().tolist()
        try:
            found = np.fromiter(map(self._known.get, plain, repeat(-1)), dtype=np.int64, count=len(plain))
        except TypeError:  # a list or a dictionary where a text belongs
            found = np.full(len(plain), -1)
        odd = np.flatnonzero(found < 0)
        if len(odd):
            other = self._bins - 1
            of_odd = texts(np.array([plain[index] for index in odd], dtype=object))
            found[odd] = [self._bins if text is None else self._codes.get(text, other) for text in of_odd]
        return found


class _Bins:
    """The edges of numeric columns, side by side."""

    def __init__(self, signals: Sequence[Signal]) -> None:
        width = max((signal.bins - 1 for signal in signals), default=0)
        self._edges = np.full((width, len(signals), 1), np.inf)
        for row, signal in enumerate(signals):
            self._edges[: signal.bins - 1, row, 0] = signal.column.edges
        self._small = np.dtype(np.uint8 if width <= np.iinfo(np.uint8).max else np.int64)
        self._first = np.array([signal.start for signal in signals], dtype=np.int64)
        self._null = self._first + np.array([signal.bins for signal in signals], dtype=np.int64)
        low, high = zip(*((s.column.low, s.column.high) for s in signals), strict=True) if signals else ((), ())
        #: What is infinite is beyond them, also where the profile knows no bounds.
        least, most = np.finfo(np.float64).min, np.finfo(np.float64).max
        self._low = np.array([[least if one is None else one] for one in low])
        self._high = np.array([[most if one is None else one] for one in high])

    def add(self, values: Matrix, counts: Counts) -> None:
        """Count values [columns, rows]."""
        part = max(1, AT_ONCE // len(self._first))
        for begin in range(0, values.shape[1], part):
            self._add(values[:, begin : begin + part], counts)

    def _add(self, values: Matrix, counts: Counts) -> None:
        """A pass over all columns for each edge: faster than a search in each column."""
        inside, above = np.zeros(values.shape, dtype=self._small), np.empty(values.shape, dtype=np.bool_)
        for edges in self._edges:
            np.greater(values, edges, out=above)
            inside += above.view(np.uint8)
        cell = self._first[:, None] + inside
        null = np.isnan(values)
        if null.any():
            cell = np.where(null, self._null[:, None], cell)
        counts += np.bincount(cell.ravel(), minlength=len(counts))
        outside = (values < self._low) | (values > self._high)
        if outside.any():
            counts[self._null + 1] += np.count_nonzero(outside, axis=1)
        counts[self._null + 2] += values.shape[1]


def kept(data: Any) -> Any:
    """What the model is about to see, safe from what it may do to it."""
    if isinstance(data, np.ndarray):
        return data.copy()
    return data.copy(deep=False) if hasattr(data, "columns") else data


def scores_of(answer: Any) -> Any:
    """One score for each row: of two columns the second, which is the class that is asked about; else None."""
    values = np.asarray(answer)
    if values.ndim == 2 and values.shape[1] in {1, 2}:
        return values[:, -1]
    return values if values.ndim == 1 else None
