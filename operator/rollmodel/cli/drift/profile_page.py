"""A profile as one HTML file that needs nothing else: what was counted, column by column, the most important first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rollmodel.cli.common.printing.html import TEMPLATES
from rollmodel.cli.drift.page import HEIGHT, WIDTH
from rollmodel.profile import Column, Profile

__all__ = ["Picture", "pictures", "render"]

_GAP = 0.15
"""Share of a bin's width that stays free."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bin, in pixels; ``text`` is what a reader sees who points at it. ``positives`` of the score's rows."""

    x: float
    width: float
    height: float
    text: str
    positives: float = 0.0


@dataclass(frozen=True, slots=True)
class Picture:
    """One column of the profile as it is drawn."""

    name: str
    facts: str
    ends: str
    bars: Sequence[Bar]


def render(profile: Profile, source: str) -> str:
    """The page; ``source`` says whose profile it is."""
    return TEMPLATES.get_template("drift/profile.html.j2").render(
        profile=profile,
        source=source,
        pictures=list(pictures(profile)),
        calibrated=profile.score is not None and profile.score.positives is not None,
        width=WIDTH,
        height=HEIGHT,
    )


def pictures(profile: Profile) -> Iterator[Picture]:
    """The score first, then the features."""
    if profile.score is not None:
        yield _picture(profile.score.column, profile.rows, profile.score.positives or (), weigh=False)
    for column in sorted(profile.features, key=lambda one: -one.importance):
        yield _picture(column, profile.rows, (), weigh=True)


def _picture(column: Column, rows: int, positives: Sequence[int], *, weigh: bool) -> Picture:
    sides, labels = list(_sides(column)), list(_labels(column))
    heights = [count / (right - left) for count, (left, right) in zip(column.counts, sides, strict=True)]
    highest = max(heights, default=0.0) or 1.0
    bars = []
    for index, (label, count) in enumerate(zip(labels, column.counts, strict=True)):
        left, right = sides[index]
        height = HEIGHT * heights[index] / highest
        told = f", {positives[index]:,} positive" if positives else ""
        good = height * positives[index] / count if positives and count else 0.0
        bars.append(Bar(left, right - left, height, f"{label}: {count:,} rows{told}", good))
    nulls = f"{100.0 * column.nulls / max(1, rows):.2g} % missing" if column.nulls else "none missing"
    facts = [column.kind, nulls, *([f"importance {column.importance:.2g}"] if weigh else [])]
    return Picture(column.name, ", ".join(facts), f"{labels[0]} … {labels[-1]}" if len(labels) > 1 else labels[0], bars)


def _sides(column: Column) -> Iterator[tuple[float, float]]:
    """Where each bar begins and ends, in pixels. Numbers are to scale, so that an area is a number of rows; the two
    outermost bins have no end, and reach as far as an eighth of all others together.
    """
    if column.kind == "categorical" or len(column.edges) < 2:
        room = WIDTH / max(1, len(column.counts))
        for index in range(len(column.counts)):
            yield index * room + room * _GAP / 2, (index + 1) * room - room * _GAP / 2
        return
    inside = column.edges[-1] - column.edges[0]
    begin, whole = column.edges[0] - inside / 8.0, 1.25 * inside
    marks = [0.0, *(WIDTH * (edge - begin) / whole for edge in column.edges), WIDTH]
    for left, right in pairwise(marks):
        yield left, max(right, left + 0.2)


def _labels(column: Column) -> Iterator[str]:
    if column.kind == "categorical":
        yield from (*column.categories, "others")
        return
    for low, high in zip((None, *column.edges), (*column.edges, None), strict=True):
        if high is None:
            yield "all" if low is None else f"above {low:g}"
        else:
            yield f"to {high:g}" if low is None else f"{low:g} to {high:g}"
