"""Read a profile, and refuse what is none: another format, other sums, a hash that does not fit."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from rollmodel.profile.hours import HOURS
from rollmodel.profile.schema import FILE_NAME, FORMAT, Column, Profile, ProfileError, Rhythm, Score

__all__ = ["load_profile", "read_profile"]

LARGEST_BYTES = 4 * 2**20
MOST_FEATURES = 1000
_LONGEST_NAME = 200


def load_profile(folder: Path) -> Profile | None:
    """The profile in a model's folder; None where it has none. Raises ProfileError."""
    path = folder / FILE_NAME
    if not path.is_file():
        return None
    if path.stat().st_size > LARGEST_BYTES:
        raise ProfileError(f"{FILE_NAME} is larger than {LARGEST_BYTES >> 20} MiB")
    return read_profile(path.read_text(encoding="utf-8", errors="replace"))


def read_profile(text: str) -> Profile:
    """The profile that :meth:`Profile.to_json` wrote. Raises ProfileError."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"{FILE_NAME} is not JSON") from error
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        message = f"{FILE_NAME} has format {str(found)[:60]!r}, this release reads {FORMAT!r} only"
        raise ProfileError(message, reason="ProfileVersion")
    try:
        profile = Profile(
            rows=_count(content["rows"]),
            minimum_group=_count(content["minimumGroup"]),
            features=tuple(_column(one) for one in content["features"]),
            score=None if content["score"] is None else _score(content["score"]),
            hours=_hours(content.get("hours")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProfileError(f"{FILE_NAME} is not as {FORMAT} says: {error}") from error
    _check(profile, content.get("digest"))
    return profile


def _check(profile: Profile, digest: object) -> None:
    names = [feature.name for feature in profile.features]
    if not 0 < len(names) <= MOST_FEATURES or len(set(names)) != len(names):
        raise ProfileError(f"a profile has 1 to {MOST_FEATURES} features, each name once")
    for column in profile.columns:
        _check_column(column, profile.rows)
        if column.rhythm is not None:
            _check_rhythm(column, column.rhythm, len(profile.hours))
    if digest != profile.digest:
        message = f"the digest in {FILE_NAME} does not fit its content: build it again, it is not edited by hand"
        raise ProfileError(message, reason="ProfileDigest")


def _check_column(column: Column, rows: int) -> None:
    bins = len(column.edges if column.kind == "numeric" else column.categories) + 1
    ascending = all(low < high for low, high in pairwise(column.edges))
    if len(column.counts) != bins or not ascending or len(set(column.categories)) != len(column.categories):
        raise ProfileError(f"column {column.name!r}: one count for each bin, edges ascending, each category once")
    if sum(column.counts) + column.nulls != rows:
        raise ProfileError(f"column {column.name!r}: counts and nulls must add up to {rows} rows")


def _check_rhythm(column: Column, rhythm: Rhythm, parts: int) -> None:
    """The rows of the parts are some of those of the column."""
    steps = [later - group for group, later in pairwise(rhythm.groups)]
    wide = (rhythm.groups or (0,))[-1] + 1
    fits = len(rhythm.groups) == len(column.counts) and rhythm.groups[0] == 0 and all(step in {0, 1} for step in steps)
    if not fits or len(rhythm.counts) != parts or any(len(row) != wide for row in rhythm.counts):
        raise ProfileError(f"column {column.name!r}: `rhythm` has a group of each bin, and a row for each of `hours`")
    for group in range(wide):
        rows = sum(count for count, own in zip(column.counts, rhythm.groups, strict=True) if own == group)
        if sum(row[group] for row in rhythm.counts) > rows:
            raise ProfileError(f"column {column.name!r}: `rhythm` counts more rows than there are")


def _hours(found: Any) -> tuple[int, ...]:
    hours = tuple(map(_count, found or ()))
    ascending = all(low < high for low, high in pairwise(hours))
    if hours and (hours[0] != 0 or not ascending or hours[-1] >= HOURS):
        raise ValueError(f"`hours` ascend from 0 and are below {HOURS}")
    return hours


def _rhythm(found: Any) -> Rhythm | None:
    if found is None:
        return None
    return Rhythm(tuple(map(_count, found["groups"])), tuple(tuple(map(_count, row)) for row in found["counts"]))


def _column(one: Any) -> Column:
    name, kind = one["name"], one["kind"]
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
        raise ValueError(f"a name must be a text of 1 to {_LONGEST_NAME} characters")
    counts = tuple(map(_count, one["counts"]))
    nulls, importance = _count(one["nulls"]), _number(one["importance"])
    rhythm = _rhythm(one.get("rhythm"))
    if importance < 0.0:
        raise ValueError("an importance is at least 0")
    if kind == "categorical":
        return Column(
            name, kind, counts, nulls, categories=_texts(one["categories"]), importance=importance, rhythm=rhythm
        )
    if kind != "numeric":
        raise ValueError(f"column {name!r} must be 'numeric' or 'categorical'")
    low, high = (None if one[key] is None else _number(one[key]) for key in ("low", "high"))
    return Column(
        name,
        kind,
        counts,
        nulls,
        edges=tuple(map(_number, one["edges"])),
        low=low,
        high=high,
        outside=_count(one["outside"]),
        quantiles=tuple(map(_number, one["quantiles"])),
        importance=importance,
        rhythm=rhythm,
    )


def _score(one: Any) -> Score:
    column = _column(one)
    positives = None if one["positives"] is None else tuple(map(_count, one["positives"]))
    threshold = None if one["threshold"] is None else _number(one["threshold"])
    if threshold is not None and threshold not in column.edges:
        raise ValueError("the threshold of the score must be one of its edges")
    if positives is not None:
        fits = len(positives) == len(column.counts)
        if threshold is None or not fits or any(p > n for p, n in zip(positives, column.counts, strict=True)):
            raise ValueError("the score has one number of positives for each bin, at most its count, and a threshold")
    return Score(column, positives, threshold)


def _texts(values: Sequence[Any]) -> tuple[str, ...]:
    if not all(isinstance(value, str) for value in values):
        raise ValueError("categories are texts")
    return tuple(values)


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 2**53:
        raise ValueError(f"{str(value)[:40]!r} is not a count")
    return value


def _number(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"{str(value)[:40]!r} is not a finite number")
    return float(value)
