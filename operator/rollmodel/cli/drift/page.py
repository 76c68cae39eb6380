"""A DriftPolicy as one HTML file that needs nothing else: no script, no font, no request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rollmodel.cli.common.printing.html import TEMPLATES
from rollmodel.cli.drift.report import Distribution, PolicyReport, allowed

__all__ = ["HEIGHT", "WIDTH", "Bar", "bars", "render"]

WIDTH, HEIGHT = 300.0, 110.0
_GAP = 0.2
"""Share of a bin's width that stays free."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Two bars beside each other, in pixels; ``text`` is what a reader sees who points at them."""

    x: float
    width: float
    before: float
    now: float
    text: str


def bars(one: Distribution) -> Sequence[Bar]:
    """The bins of a column. The highest bar takes all the height."""
    highest = max((max(each.before, each.now) for each in one.bins), default=0.0) or 1.0
    room = WIDTH / max(1, len(one.bins))
    return [
        Bar(
            x=index * room + room * _GAP / 2,
            width=room * (1 - _GAP) / 2,
            before=HEIGHT * each.before / highest,
            now=HEIGHT * each.now / highest,
            text=f"{each.label}: {each.before:.1%} in training, {each.now:.1%} now",
        )
        for index, each in enumerate(one.bins)
    ]


def render(report: PolicyReport, *, made: str) -> str:
    """The page; ``made``: when it was made, for the footer."""
    return TEMPLATES.get_template("drift/explain.html.j2").render(
        report=report,
        status=report.status,
        pictures=[(one, bars(one)) for one in report.distributions],
        limits={one.name: allowed(report, one) for one in report.status.signals},
        width=WIDTH,
        height=HEIGHT,
        made=made,
    )
