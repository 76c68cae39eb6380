"""Reading recorded counts from CSV for ``rollmodel backtest``: several past rollouts on one grid of windows.

Columns ``rollout,time,arm,pod,total,bad`` in any order; ``pod`` may be absent, others are ignored. ``time`` is seconds
since the rollout began, the end of a window, or Unix time: then it begins with the candidate;
``total`` and ``bad`` are increments over that window. Rows at or before 0
are the stable arm's history. What cannot be read is an error that names its row (the header is row 1); a number that
cannot be true (negative, not finite, more bad than total) takes its window out of the evidence.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from rollmodel.cli.backtest.exports import refuse_cumulative, refuse_repeated, since_begin
from rollmodel.errors import Invalid

__all__ = ["ARMS", "Counts", "History", "Rows", "fold", "read_rows"]

ARMS = ("candidate", "stable")
#: A header and a row that can be read.
_EXAMPLE = "rollout,time,arm,pod,total,bad\nv2,10,candidate,churn-v2-abcde,25,1"
_REQUIRED = ("rollout", "time", "arm", "total", "bad")
_CHUNK = 4096
_ROUNDING = 1e-9
#: Rollouts times windows. Each takes some 50 bytes.
_MOST_CELLS = 20_000_000

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a file by column, in file order. ``rollout`` and ``pod`` index into their names."""

    rollouts: Sequence[str]
    pods: Sequence[str]
    number: Ints
    """Row of the file, the header being 1."""
    rollout: Ints
    time: Floats
    arm: Ints
    """0 candidate, 1 stable."""
    pod: Ints
    total: Floats
    bad: Floats

    def impossible(self) -> NDArray[np.bool_]:
        """Rows whose numbers cannot be true."""
        finite = np.isfinite(self.total) & np.isfinite(self.bad)
        with np.errstate(invalid="ignore"):
            return ~(finite & (self.total >= 0) & (self.bad >= 0) & (self.bad <= self.total))


@dataclass(frozen=True, slots=True)
class History:
    """Busy windows of one rollout's stable pods before it began, oldest first: totals and bad, [pods, windows]."""

    total: Floats
    bad: Floats


@dataclass(frozen=True, slots=True)
class Counts:
    """Increments per rollout, arm and window. Window j ends j * interval seconds after the rollout began, j = 1 .. T.

    ``total`` and ``bad`` are [2, rollouts, T], arm 0 the candidate; ``dropped`` [rollouts, T] marks windows with an
    impossible number (their counts are 0); ``last`` [rollouts] is each rollout's last window.
    """

    interval: float
    total: Floats
    bad: Floats
    dropped: NDArray[np.bool_]
    last: Ints
    history: Sequence[History]


def read_rows(path: Path) -> Rows:
    """The rows of a file. Raises Invalid with the row number and what is allowed."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return _read(file, path.name)
    except OSError as error:
        raise Invalid(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Invalid(f"{path.name} is not UTF-8 text") from error
    except csv.Error as error:
        raise Invalid(f"{path.name} is not CSV: {error}") from error


def _read(file: TextIO, name: str) -> Rows:
    reader = csv.reader(file, skipinitialspace=True)
    columns = _columns(next(reader, []), name)
    rollouts, pods = _Names(), _Names()
    chunks = (_Cells(chunk, columns, first, name) for first, chunk in _chunks(reader))
    parts = [
        (
            cells.rows,
            rollouts.indices(cells.text("rollout")),
            cells.numbers("time"),
            cells.arms(),
            pods.indices(cells.text("pod")),
            cells.numbers("total"),
            cells.numbers("bad"),
        )
        for cells in chunks
    ]
    if not sum(len(rows) for rows, *_ in parts):
        raise Invalid(f"{name} has no rows below its header")
    rows = Rows(list(rollouts.known), list(pods.known), *map(np.concatenate, zip(*parts, strict=True)))
    if not np.isfinite(rows.time).all():
        raise Invalid(f"{name}, row {rows.number[~np.isfinite(rows.time)][0]}: time must be finite")
    rows = replace(rows, time=since_begin(rows.time, rows.rollout, rows.arm == 0, name))
    _check(rows, name)
    return rows


class _Names:
    """Names in the order in which they were first met."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}

    def indices(self, names: Sequence[str]) -> Ints:
        for name in dict.fromkeys(names):
            self.known.setdefault(name, len(self.known))
        return np.array([self.known[name] for name in names], dtype=np.int64)


def _columns(header: Sequence[str], name: str) -> dict[str, int]:
    columns = {title.strip().lower(): i for i, title in enumerate(header)}
    missing = [title for title in _REQUIRED if title not in columns]
    if missing:
        raise Invalid(
            f"{name}, row 1: no column {', '.join(missing)}; needed are {', '.join(_REQUIRED)}, and pod if there is"
            f" one. For example:\n{_EXAMPLE}"
        )
    return columns


def _chunks(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[list[str]]]]:
    """Chunks of rows with the number of their first row. Blank lines count as rows and are left in."""
    first = 2
    while chunk := list(islice(reader, _CHUNK)):
        yield first, chunk
        first += len(chunk)


#: Characters of a cell that a message repeats.
_SHOWN = 60


class _Cells:
    """One chunk of rows, column by column."""

    def __init__(self, chunk: list[list[str]], columns: dict[str, int], first: int, name: str) -> None:
        self._name, self._columns = name, columns
        self.rows = np.arange(first, first + len(chunk))
        if not all(chunk):  # blank lines, often the last one
            self.rows = self.rows[[bool(cells) for cells in chunk]]
            chunk = [cells for cells in chunk if cells]
        lengths = list(map(len, chunk))
        if min(lengths, default=len(columns)) < len(columns):
            row = self.rows[lengths.index(min(lengths))]
            raise Invalid(f"{name}, row {row}: {min(lengths)} cells, the header has {len(columns)} columns")
        self._cells = list(zip(*chunk, strict=False))

    def text(self, column: str) -> Sequence[str]:
        """The cells of a column; empty text where the file does not have it."""
        if column not in self._columns or not self._cells:
            return [""] * len(self.rows)
        return self._cells[self._columns[column]]

    def numbers(self, column: str) -> Floats:
        """The numbers of a column. Raises Invalid."""
        texts = self.text(column)
        try:
            return np.array(list(map(float, texts)))
        except ValueError:
            raise self._wrong(column, _is_number, "a number") from None

    def arms(self) -> Ints:
        """The column ``arm`` as indices of ARMS. Raises Invalid."""
        index = {arm: i for i, arm in enumerate(ARMS)}
        try:
            return np.array([index[text] for text in self.text("arm")], dtype=np.int64)
        except KeyError:
            raise self._wrong("arm", index.__contains__, " or ".join(ARMS)) from None

    def _wrong(self, column: str, good: Callable[[str], bool], allowed: str) -> Invalid:
        row, text = next((r, t) for r, t in zip(self.rows, self.text(column), strict=True) if not good(t))
        return Invalid(f"{self._name}, row {row}: {column} must be {allowed}, not {text[:_SHOWN]!r}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check(rows: Rows, name: str) -> None:
    """What the format forbids although each cell can be read."""
    early = (rows.time <= 0) & (rows.arm == 0) & (rows.total > 0)
    if early.any():
        at = f"{name}, row {rows.number[early][0]}"
        raise Invalid(
            f"{at}: candidate requests at time {rows.time[early][0]:g}; up to 0 only the stable arm may have rows"
        )
    keys = np.stack([rows.rollout, rows.arm, rows.pod], axis=1)
    if any(rows.pods):  # without names several rows may be several pods
        refuse_repeated(keys, rows.time, rows.number, name)
        refuse_cumulative(keys, rows.time, rows.total, rows.bad, name)


def fold(rows: Rows, interval: float) -> Counts:
    """Sum the rows into windows of ``interval`` seconds, or of the file's own step where that is coarser."""
    steps = np.diff(np.unique(rows.time))
    interval = max(interval, float(steps.min())) if len(steps) else interval
    window = np.ceil(rows.time / interval - _ROUNDING).astype(np.int64)
    runs, length = len(rows.rollouts), max(1, int(window.max()))
    if runs * length > _MOST_CELLS:
        raise Invalid(
            f"{runs} rollouts of up to {length:,} windows are too many; is time seconds since the rollout began?"
        )
    wrong, live = rows.impossible(), window >= 1
    dropped = np.zeros((runs, length), dtype=bool)
    dropped[rows.rollout[wrong & live], window[wrong & live] - 1] = True
    last = np.zeros(runs, dtype=np.int64)
    np.maximum.at(last, rows.rollout[live], window[live])
    use = live & ~wrong
    place = np.ravel_multi_index((rows.arm[use], rows.rollout[use], window[use] - 1), (2, runs, length))

    def summed(values: Floats) -> Floats:
        flat = np.bincount(place, weights=values[use], minlength=2 * runs * length)
        return np.where(dropped, 0.0, flat.reshape(2, runs, length))

    history = _histories(rows, window, ~live & ~wrong & (rows.arm == 1), runs)
    return Counts(interval, summed(rows.total), summed(rows.bad), dropped, last, history)


def _histories(rows: Rows, window: Ints, use: NDArray[np.bool_], runs: int) -> list[History]:
    order = np.flatnonzero(use)[np.argsort(rows.rollout[use], kind="stable")]
    bounds = np.searchsorted(rows.rollout[order], np.arange(runs + 1))
    return [_history(rows, window, order[bounds[r] : bounds[r + 1]]) for r in range(runs)]


def _history(rows: Rows, window: Ints, at: Ints) -> History:
    if not len(at):
        return History(np.zeros((0, 0)), np.zeros((0, 0)))
    pods, pod = np.unique(rows.pod[at], return_inverse=True)
    shape = (len(pods), 1 - int(window[at].min()))
    place = (pod, window[at] - 1 + shape[1])
    total, bad = (np.zeros(shape) for _ in range(2))
    np.add.at(total, place, rows.total[at])
    np.add.at(bad, place, rows.bad[at])
    busy = total.sum(axis=0) > 0
    return History(total[:, busy], bad[:, busy])
