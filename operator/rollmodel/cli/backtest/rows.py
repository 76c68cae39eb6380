"""Reading recorded counts from CSV for ``rollmodel backtest``: the rows of several past rollouts.

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

__all__ = ["ARMS", "Floats", "Ints", "Rows", "read_rows"]

ARMS = ("candidate", "stable")
#: A header and a row that can be read.
_EXAMPLE = "rollout,time,arm,pod,total,bad\nv2,10,candidate,churn-v2-abcde,25,1"
_REQUIRED = ("rollout", "time", "arm", "total", "bad")
_CHUNK = 4096
#: Characters of a cell that a message repeats.
_SHOWN = 60

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
