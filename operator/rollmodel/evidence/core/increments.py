"""From raw counters to increments: which windows both arms cover completely, and what each pod counted in them.

Rules. A *tick* is a point of the aligned grid. A pod lives from its first sample to its last one; if it misses more
than ``PATIENCE`` ticks it counts as ended, and as begun anew when it returns. A tick is *complete* when every living
pod has a sample; windows run from one complete tick to the next, so a missing sample merges windows of both arms, and
nothing is counted late on one side only. The newest ticks are held back while a pod that misses them may still return.
What a pod counted before its first sample is left out: it is not known when that was. When one counter of a pod falls,
all have restarted from 0, unless more than half of their sum is left: then they are no counters.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from rollmodel.evidence.core.samples import NoEvidence, NoEvidenceReason, Window

__all__ = ["PATIENCE", "Grid", "Increment", "Track", "increments", "windows"]

#: Ticks that a pod may miss and still be the same living pod.
PATIENCE = 2
#: After a restart the counters of a pod stand at most at this part of their old sum.
RESTARTED = 0.5
#: Points this near to a tick, in steps, belong to it.
TOLERANCE = 1e-3
#: What grows by more between two samples is no counter: beyond this not every whole number is a float (IEEE 754).
MOST = 2.0**53

Values = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """Ticks start, start + step, .. end in unix seconds. Raises ValueError unless step > 0 and end >= start."""

    start: float
    end: float
    step: float

    def __post_init__(self) -> None:
        if not (self.step > 0 and self.end >= self.start and math.isfinite(self.end - self.start)):
            raise ValueError(f"not a grid: {self}")

    @property
    def last(self) -> int:
        """Index of the last tick."""
        return math.floor((self.end - self.start) / self.step + TOLERANCE)

    def index(self, time: float) -> int | None:
        """The tick at this moment, None where there is none."""
        position = (time - self.start) / self.step
        nearest = round(position)
        return nearest if abs(position - nearest) <= TOLERANCE and 0 <= nearest <= self.last else None

    def window(self, begin: int, end: int) -> Window:
        """The window from one tick to another."""
        return Window(self.start + begin * self.step, self.start + end * self.step)


@dataclass(frozen=True, slots=True)
class Track:
    """All counters of one pod: at each tick at which every one of them has a value, their values."""

    arm: str
    pod: str
    samples: Mapping[int, Values]

    def lives(self) -> list[list[int]]:
        """The ticks with samples, split where more than ``PATIENCE`` ticks are missing."""
        lives: list[list[int]] = []
        for tick in sorted(self.samples):
            if lives and tick - lives[-1][-1] <= PATIENCE + 1:
                lives[-1].append(tick)
            else:
                lives.append([tick])
        return lives


class Increment(NamedTuple):
    """What a pod counted up to a tick since its sample before, or why that is not known."""

    arm: str
    pod: str
    tick: int
    value: Values | NoEvidence


def increments(track: Track) -> Iterator[Increment]:
    """The increments between neighbouring samples of each life."""
    for life in track.lives():
        for before, tick in pairwise(life):
            value = _increase(track.samples[before], track.samples[tick])
            yield Increment(track.arm, track.pod, tick, value)


def _increase(old: Values, new: Values) -> Values | NoEvidence:
    if not all(map(math.isfinite, (*old, *new))):
        return NoEvidence(NoEvidenceReason.NOT_A_NUMBER, "a counter is not a finite number")
    if min(*old, *new) < 0:
        return NoEvidence(NoEvidenceReason.NEGATIVE, f"a counter stands at {min(*old, *new):g}")
    if all(after >= before for before, after in zip(old, new, strict=True)):
        grown = tuple(after - before for before, after in zip(old, new, strict=True))
        return grown if max(grown) <= MOST else _too_much(max(grown))
    if sum(new) > RESTARTED * sum(old):
        return NoEvidence(NoEvidenceReason.NEGATIVE, f"went from {old} to {new}, as no counter does")
    return new if max(new) <= MOST else _too_much(max(new))


def _too_much(grown: float) -> NoEvidence:
    return NoEvidence(NoEvidenceReason.NOT_A_NUMBER, f"a counter grew by {grown:g}, more than can be counted")


def windows(tracks: Sequence[Track], last: int) -> list[tuple[int, int]]:
    """The windows (begin, end] between complete ticks 0 .. last, as indices."""
    incomplete: set[int] = set()
    for track in tracks:
        for life in track.lives():
            end = life[-1] if last - life[-1] > PATIENCE else last
            incomplete.update(set(range(life[0], end + 1)) - set(life))
    complete = [tick for tick in range(last + 1) if tick not in incomplete]
    return list(pairwise(complete))


def place(found: Sequence[tuple[int, int]], tick: int) -> int | None:
    """Position of the window in which a sample at this tick ends an increment; None while it is held back."""
    position = bisect_left(found, tick, key=lambda window: window[1])
    return position if position < len(found) and found[position][0] < tick else None
