"""A profile as one HTML file that needs nothing else: what was counted, column by column, the most important first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rollmodel.cli.common.html import TEMPLATES
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
    """One column."""

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
    highest, room = max(column.counts, default=0) or 1, WIDTH / max(1, len(column.counts))
    labels = list(_labels(column))
    bars = []
    for index, (label, count) in enumerate(zip(labels, column.counts, strict=True)):
        known = positives[index] if positives else 0
        told = f", {known:,} positive" if positives else ""
        bars.append(
            Bar(
                x=index * room + room * _GAP / 2,
                width=room * (1.0 - _GAP),
                height=HEIGHT * count / highest,
                text=f"{label}: {count:,} rows{told}",
                positives=HEIGHT * known / highest,
            )
        )
    facts = [column.kind, f"{column.nulls / max(1, rows):.2g} missing" if column.nulls else "none missing"]
    facts += [f"importance {column.importance:.2g}"] if weigh else []
    return Picture(column.name, ", ".join(facts), f"{labels[0]} … {labels[-1]}" if len(labels) > 1 else labels[0], bars)


def _labels(column: Column) -> Iterator[str]:
    if column.kind == "categorical":
        yield from (*column.categories, "others")
        return
    for low, high in zip((None, *column.edges), (*column.edges, None), strict=True):
        if high is None:
            yield "all" if low is None else f"above {low:g}"
        else:
            yield f"to {high:g}" if low is None else f"{low:g} to {high:g}"
