"""The hours of the week: which rows belong to which part of it, and which columns follow them.

A part is some hours in a row, as few as have enough rows. Hours are those of UTC, and hour 0 begins on Monday at 00:00.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rollmodel.profile.bins import is_null
from rollmodel.profile.schema import ProfileError, Rhythm

__all__ = ["HOURS", "hours_of_week", "parts_of", "rhythm_of"]

HOURS = 168
_HOUR, _WEEK = 3600, 604_800
#: 1970-01-01 was a Thursday.
_FIRST = 72
#: Rows of a part, as a multiple of the smallest group.
_ROWS = 10
#: A column has a rhythm if chance makes one as large in one of a hundred columns that have none.
_SURE = 2.33
_EXPECTED = 5.0
_LATEST = 1e11
_ALLOWED = "`time` must be dates, seconds since 1970, or texts such as 2026-01-31T12:00:00Z"

Whole = NDArray[np.int64]


def hours_of_week(times: Any) -> Whole | None:
    """The hour of the week of each row, -1 where the time is missing; None where they span less than a week.

    Raises ProfileError where they are no times. A time without a zone is one of UTC.
    """
    seconds = _seconds(times)
    known = np.isfinite(seconds)
    if not known.any() or np.ptp(seconds[known]) < _WEEK - _HOUR:
        return None
    if np.abs(seconds[known]).max() > _LATEST:
        raise ProfileError(f"{_ALLOWED}: {seconds[known].max():.0f} is too late for seconds, are these milliseconds?")
    found = np.full(len(seconds), -1, dtype=np.int64)
    found[known] = (np.floor(seconds[known] / _HOUR).astype(np.int64) + _FIRST) % HOURS
    return found


def parts_of(hours: Whole, smallest: int) -> tuple[int, ...]:
    """The first hour of each part: hours are taken together until there are ten times ``smallest`` rows."""
    rows = np.bincount(hours[hours >= 0], minlength=HOURS)
    starts, held, rest = [0], 0, int(rows.sum())
    for hour in range(HOURS):
        if held >= _ROWS * smallest and rest >= _ROWS * smallest:
            starts.append(hour)
            held = 0
        held += int(rows[hour])
        rest -= int(rows[hour])
    return tuple(starts) if len(starts) > 1 else ()


def rhythm_of(bins: Whole, hours: Whole, starts: Sequence[int], *, width: int, smallest: int) -> Rhythm | None:
    """How often rows of each part are in each group of bins; None for a column that does not follow the hours.

    ``bins`` and ``hours`` of each row are -1 where they are not known. Neighbouring bins are one group until no part
    has a group of fewer rows than ``smallest``; none at all may be. Where that leaves one group, nothing can be said of
    its hours, and a week of it is compared as a whole only.
    """
    known = (bins >= 0) & (hours >= 0)
    part = np.searchsorted(np.asarray(starts), hours[known], side="right") - 1
    table = np.bincount(part * width + bins[known], minlength=len(starts) * width).reshape(len(starts), width)
    if not _differ(table):
        return None
    groups, table = _grouped(table, smallest)
    if _has_small(table, smallest):
        return None
    return Rhythm(tuple(groups), tuple(tuple(row) for row in table.tolist()))


def _grouped(table: Whole, smallest: int) -> tuple[list[int], Whole]:
    """Of each bin its group, and the table [parts, groups]: as many groups as there are from either end."""
    upwards, downwards = _sizes(table, smallest), _sizes(table[:, ::-1], smallest)[::-1]
    sizes = max(upwards, downwards, key=len)
    groups = [group for group, size in enumerate(sizes) for _ in range(size)]
    return groups, _summed(table, np.array(groups))


def _summed(table: Whole, groups: Whole) -> Whole:
    found = np.zeros((len(table), int(groups.max()) + 1), dtype=np.int64)
    np.add.at(found.T, groups, table.T)
    return found


def _sizes(table: Whole, smallest: int) -> list[int]:
    """Bins of each group: as few as leave no part a small cell. What is left over at the end joins the last group."""
    sizes, held = [0], np.zeros(len(table), dtype=np.int64)
    for column in table.T:
        if sizes[-1] and not _has_small(held, smallest):
            sizes.append(0)
            held = np.zeros_like(held)
        sizes[-1] += 1
        held = held + column
    while len(sizes) > 1 and _has_small(table[:, -sizes[-1] :].sum(axis=1), smallest):
        sizes[-2:] = [sizes[-2] + sizes[-1]]
    return sizes


def _has_small(cells: Whole, smallest: int) -> bool:
    return bool(((cells > 0) & (cells < smallest)).any())


def _differ(table: Whole) -> bool:
    """Whether the parts differ more than by chance: Pearson's chi-square, by Wilson and Hilferty's cube root.

    Neighbouring bins are taken together until each part expects enough rows.
    """
    rows = table.sum(axis=1)
    least = rows[rows > 0].min(initial=int(rows.max(initial=0))) * table.sum(axis=0) / max(1, int(rows.sum()))
    below = np.cumsum(least)
    table = _summed(table, np.minimum(below // _EXPECTED, max(0.0, below[-1] // _EXPECTED - 1.0)).astype(np.int64))
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / max(1, int(table.sum()))
    chi = float((np.divide((table - expected) ** 2, expected, out=np.zeros_like(expected), where=expected > 0)).sum())
    freedom = max(1, (int((table.sum(axis=1) > 0).sum()) - 1) * (int((table.sum(axis=0) > 0).sum()) - 1))
    spread = 2.0 / (9.0 * freedom)
    return bool(((chi / freedom) ** (1.0 / 3.0) - (1.0 - spread)) / math.sqrt(spread) > _SURE)


def _seconds(times: Any) -> NDArray[np.float64]:
    values = np.asarray(times)
    if values.ndim == 1 and values.dtype.kind == "M":
        seconds = values.astype("datetime64[s]").astype(np.float64)
        return np.where(np.isnat(values), np.nan, seconds)
    if values.ndim == 1 and values.dtype.kind in "iuf":
        return values.astype(np.float64)
    if values.ndim != 1 or values.dtype.kind not in "OU":
        raise ProfileError(_ALLOWED)
    return np.array([_second(value) for value in values.tolist()], dtype=np.float64)


def _second(value: Any) -> float:
    if is_null(value):
        return math.nan
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return float((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, AttributeError, TypeError, OverflowError):
        raise ProfileError(f"{_ALLOWED}, not {str(value)[:40]!r}") from None
