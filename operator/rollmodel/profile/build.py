"""Build a profile from the data that a model was trained on, or better: from the data that it was tested on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rollmodel.profile.bins import Grid, count_bins, is_numeric, merge_small, numbers, quantile_edges, texts
from rollmodel.profile.hours import hours_of_week, parts_of, rhythm_of
from rollmodel.profile.schema import Column, Profile, ProfileError, Score

__all__ = ["MINIMUM_GROUP", "build_profile"]

#: No group of fewer rows is told apart.
MINIMUM_GROUP = 20
MOST_CATEGORIES = 20
_QUANTILES = 20
_SCORE_LEVELS = (0.01, *(i / 20 for i in range(1, 20)), 0.99)


def build_profile(
    features: Mapping[str, Any],
    *,
    score: Any = None,
    target: Any = None,
    threshold: float | None = None,
    importance: Mapping[str, float] | None = None,
    time: Any = None,
    minimum_group: int = MINIMUM_GROUP,
    on_column: Callable[[str], None] | None = None,
) -> Profile:
    """The profile of these columns, each a sequence with one value for each row (a DataFrame is such a mapping).

    ``score`` is what the model answered for each row, and ``target`` what was true: 0 or 1. With both, and a score that
    is a number, the performance can be estimated later without labels; answers above ``threshold`` (default 0.5, if
    scores are from 0 to 1) are positive. ``importance`` divides the false-alarm budget among the features, default:
    equally. Take rows that the model has not learnt from: its scores for others are better than they will ever be.
    ``time`` says when each row was asked: dates, seconds since 1970, or texts such as 2026-01-31T12:00:00Z; without a
    zone in UTC. If the rows span a week, columns that follow the hours of the week are counted by them, too.
    ``on_column`` is called with the name of each feature, once it is done.

    Raises ProfileError, with what is allowed in the message.
    """
    columns = {str(name): np.asarray(values) for name, values in features.items()}
    rows = _rows(columns, score, target, time)
    if rows < minimum_group:
        raise ProfileError(f"a profile needs at least {minimum_group} rows, there are {rows}")
    weights, week = _weights(columns, importance), _Week.of(time, minimum_group)
    return Profile(
        rows=rows,
        minimum_group=minimum_group,
        features=tuple(
            _told(
                week.followed_by(_column(name, columns[name], minimum_group, weights[name]), columns[name]), on_column
            )
            for name in columns
        ),
        score=None if score is None else _score(score, target, threshold, minimum_group, week),
        hours=week.parts,
    )


@dataclass(frozen=True, slots=True)
class _Week:
    """The hour of the week of each row, and where its parts begin; no parts where that is not known."""

    hours: NDArray[np.int64]
    parts: tuple[int, ...]
    smallest: int

    @classmethod
    def of(cls, time: Any, smallest: int) -> _Week:
        hours = None if time is None else hours_of_week(time)
        if hours is None:
            return cls(np.zeros(0, dtype=np.int64), (), smallest)
        return cls(hours, parts_of(hours, smallest), smallest)

    def followed_by(self, column: Column, values: Any) -> Column:
        """The column, with its rhythm if it has one."""
        if not self.parts:
            return column
        bins = _bins_of(column, values)
        found = rhythm_of(bins, self.hours, self.parts, width=len(column.counts), smallest=self.smallest)
        return replace(column, rhythm=found)


def _bins_of(column: Column, values: Any) -> NDArray[np.int64]:
    """The bin of each value; -1 where it is missing."""
    if column.kind == "numeric":
        known = numbers(values)
        inside = np.searchsorted(np.asarray(column.edges, dtype=np.float64), known, side="left")
        return np.where(np.isnan(known), -1, inside)
    codes: dict[str | None, int] = {None: -1, **{text: code for code, text in enumerate(column.categories)}}
    return np.array([codes.get(text, len(column.categories)) for text in texts(values)], dtype=np.int64)


def _told(column: Column, on_column: Callable[[str], None] | None) -> Column:
    if on_column is not None:
        on_column(column.name)
    return column


def _rows(columns: Mapping[str, NDArray[Any]], score: Any, target: Any, time: Any) -> int:
    if not columns:
        raise ProfileError("a profile needs at least one feature")
    others = {
        name: np.asarray(one) for name, one in (("score", score), ("target", target), ("time", time)) if one is not None
    }
    sizes = {name: len(values) if values.ndim == 1 else -1 for name, values in {**columns, **others}.items()}
    odd = [name for name, size in sizes.items() if size < 0]
    if odd:
        raise ProfileError(f"column {odd[0]!r} must have one value for each row")
    if len(set(sizes.values())) > 1:
        raise ProfileError(f"all columns must have the same number of rows: {sizes}")
    return next(iter(sizes.values()))


def _weights(columns: Mapping[str, Any], importance: Mapping[str, float] | None) -> Mapping[str, float]:
    given = {name: float((importance or {}).get(name, 0.0 if importance else 1.0)) for name in columns}
    unknown = set(importance or ()) - set(columns)
    if unknown:
        raise ProfileError(f"`importance` names {min(unknown)!r}, which is no feature")
    if not all(np.isfinite(weight) and weight >= 0 for weight in given.values()):
        raise ProfileError("`importance` must be numbers of at least 0")
    total = sum(given.values())
    return {name: round(weight / total, 6) if total else 1.0 / len(given) for name, weight in given.items()}


def _column(name: str, values: Any, smallest: int, importance: float) -> Column:
    if is_numeric(values):
        known = numbers(values)
        return _numeric(name, known, quantile_edges(known), smallest, importance=importance)
    return _categorical(name, texts(values), smallest, importance)


def _numeric(
    name: str,
    values: NDArray[np.float64],
    edges: list[float],
    smallest: int,
    *,
    keep: float | None = None,
    importance: float = 1.0,
) -> Column:
    """The outermost ``smallest`` rows on each side are not told apart: an extreme value is one person's.

    ``low`` and ``high`` are twice as far from the median as all other rows, so that rows which moved a little are not
    beyond them, and other units are.
    """
    edges = merge_small(count_bins(values, edges).tolist(), smallest, keep, edges)
    finite = np.sort(values[np.isfinite(values)])
    grid = Grid(finite)
    low = high = None
    outside = int(np.isinf(values).sum())
    if finite.size >= 2 * smallest:
        middle = float(finite[finite.size // 2])
        low = grid.above(_twice_as_far(float(finite[smallest - 1]), middle))
        high = grid.below(_twice_as_far(float(finite[-smallest]), middle))
        outside += int((finite < low).sum() + (finite > high).sum())
    many = min(_QUANTILES, finite.size // smallest)
    levels = (np.arange(many) + 0.5) / max(1, many)
    return Column(
        name=name,
        kind="numeric",
        counts=tuple(count_bins(values, edges).tolist()),
        nulls=int(np.isnan(values).sum()),
        edges=tuple(edges),
        low=low,
        high=high,
        outside=outside,
        quantiles=tuple(grid.above(float(value)) for value in np.quantile(finite, levels)) if many else (),
        importance=importance,
    )


def _twice_as_far(value: float, middle: float) -> float:
    found = value + (value - middle)
    return found if np.isfinite(found) else value


def _categorical(name: str, values: list[str | None], smallest: int, importance: float) -> Column:
    found = Counter(value for value in values if value is not None)
    listed = [(value, count) for value, count in found.most_common(MOST_CATEGORIES) if count >= smallest]
    others = sum(found.values()) - sum(count for _, count in listed)
    if 0 < others < smallest and len(listed) > 1:
        _, count = listed.pop()  # else the others would be a small group
        others += count
    return Column(
        name=name,
        kind="categorical",
        counts=(*(count for _, count in listed), others),
        nulls=sum(value is None for value in values),
        categories=tuple(value for value, _ in listed),
        importance=importance,
    )


def _score(score: Any, target: Any, threshold: float | None, smallest: int, week: _Week) -> Score:
    if not is_numeric(score):
        return Score(week.followed_by(_column("prediction", score, smallest, 1.0), score))
    values = numbers(score)
    finite = values[np.isfinite(values)]
    if threshold is None and finite.size and finite.min() >= 0.0 and finite.max() <= 1.0:
        threshold = 0.5
    edges = quantile_edges(values, _SCORE_LEVELS)
    if threshold is not None:
        edges = sorted({*edges, float(threshold)})
    column = week.followed_by(_numeric("prediction", values, edges, smallest, keep=threshold), values)
    threshold = threshold if threshold in column.edges else None
    if target is None or threshold is None:
        return Score(column, None, threshold)
    truth = numbers(target)
    known = ~np.isnan(values)
    if not np.isin(truth, (0.0, 1.0)).all():
        raise ProfileError("`target` must be 0 or 1 in each row; leave it out for other targets")
    positives = count_bins(values[known & (truth == 1.0)], column.edges)
    return Score(column, tuple(positives.tolist()), threshold)
