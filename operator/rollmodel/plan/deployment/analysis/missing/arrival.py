"""When samples arrive, read from the answers themselves: how late the newest ones are, and how often they come.

Backends with late data (remote write, VictoriaMetrics' ``-search.latencyOffset``, a clock that is behind) repeat the
last value they know, or leave the newest points out. So counters that stand still at the end of an answer may only be
late: the windows there are not used up but asked again, for at most :data:`LONGEST_WAIT` seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from rollmodel.evidence.core.increments import Grid
from rollmodel.plan.deployment.observed import Answer

__all__ = ["LONGEST_WAIT", "complete_until", "newest_move", "scrape_seconds", "window_seconds"]

#: Seconds for which windows that may be incomplete are asked again. Then nothing was counted in them.
LONGEST_WAIT = 120.0

_LEAST_GAPS = 3
_MOST_SECONDS = 300.0


def complete_until(answers: Iterable[Answer], grid: Grid) -> float:
    """Until when (unix seconds, a tick of the grid) all samples have arrived; ``grid.end`` where nothing looks late.

    answers: counters of both revisions, of all metrics; the newest sample of any of them tells how far data go. The
    last tick at which a counter moved may hold a part of its samples only, so it is not complete while later ticks
    show nothing new.
    """
    moved = max((tick for answer in answers for _, points in answer.series for tick in _moves(points, grid)), default=0)
    if moved == grid.last:
        return grid.end
    longest = math.ceil(max(LONGEST_WAIT, 2 * grid.step) / grid.step)
    return grid.start + max(0, moved - 1, grid.last - longest) * grid.step


def newest_move(answers: Iterable[Answer], grid: Grid) -> float | None:
    """When a counter moved last (unix seconds, a tick of the grid), as far as has arrived; None where none did."""
    moved = max((tick for answer in answers for _, points in answer.series for tick in _moves(points, grid)), default=0)
    return grid.start + moved * grid.step if moved else None


def scrape_seconds(answers: Iterable[Answer], grid: Grid) -> float | None:
    """Seconds between samples as the counters show them, to the grid's step; None where they moved too seldom.

    A counter without requests stands still between two samples too, so the shortest tenth of the gaps counts.
    """
    gaps = sorted(
        (after - before) * grid.step
        for answer in answers
        for _, points in answer.series
        for before, after in pairwise(_moves(points, grid))
    )
    return min(gaps[len(gaps) // 10], _MOST_SECONDS) if len(gaps) >= _LEAST_GAPS else None


def window_seconds(interval: float, scrape: float | None) -> float:
    """The length of a window: the interval, or two samples of each pod where samples come less often than that."""
    return interval if scrape is None or scrape <= interval else math.ceil(2 * scrape / interval) * interval


def _moves(points: Sequence[tuple[float, float]], grid: Grid) -> Iterator[int]:
    """The ticks at which a counter has another value than before; its first sample counts unless the grid begins."""
    last: float | None = None
    for time, value in points:
        tick = grid.index(time)
        if tick is not None and tick and value != last:
            yield tick
        last = value
