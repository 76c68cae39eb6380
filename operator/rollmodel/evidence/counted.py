"""What was counted lately, minute by minute: the memory that shows when samples came after their window was used up.

A counter that is read again later never shows less for the same minute. If it shows more, that came too late to count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from rollmodel.evidence.core.samples import CountSample, HistogramSample, NoEvidence, NoEvidenceReason, Sample, Window
from rollmodel.evidence.core.types import JudgePlan

__all__ = ["REMEMBERED_SECONDS", "Counted", "Minute", "after_window", "from_plain", "metric_of", "to_plain"]

#: How long a minute is remembered.
REMEMBERED_SECONDS = 600.0
_MINUTE = 60.0


class Minute(NamedTuple):
    """Requests of both arms in some windows without a gap, a minute together or one that is longer; unix seconds."""

    begin: float
    end: float
    candidate: float
    stable: float


@dataclass(frozen=True, slots=True)
class Counted:
    """The last minutes, oldest first. ``arms`` says whose requests they are, in words of the caller."""

    arms: str = ""
    minutes: tuple[Minute, ...] = ()


def metric_of(plan: JudgePlan) -> str | None:
    """The metric whose requests are remembered: the first that counts them when they are answered."""
    return next((m.name for m in plan.metrics if m.kind in {"count", "latency"} and not m.delay), None)


def after_window(counted: Counted, window: Window, sample: Sample | None, arms: str) -> Counted:
    """With one more window; what is older than :data:`REMEMBERED_SECONDS`, or of other arms, is forgotten."""
    before = counted.minutes if counted.arms == arms else ()
    kept = tuple(minute for minute in before if minute.end > window.end - REMEMBERED_SECONDS)
    requests = _requests(sample)
    if requests is None:
        return Counted(arms, kept)
    new = Minute(window.start, window.end, *requests)
    if kept and kept[-1].end == window.start and kept[-1].end - kept[-1].begin < _MINUTE:
        last = kept[-1]
        new = Minute(last.begin, new.end, last.candidate + new.candidate, last.stable + new.stable)
        kept = kept[:-1]
    return Counted(arms, (*kept, new))


def _requests(sample: Sample | None) -> tuple[float, float] | None:
    """Requests of both arms; None where they are not known. An arm of which nothing has come so far counted none."""
    match sample:
        case CountSample() | HistogramSample():
            return sample.requests
        case NoEvidence(reason=NoEvidenceReason.ARM_EMPTY, stable=stable) if stable > 0:
            return sample.requests
        case _:
            return None


def to_plain(counted: Counted) -> list[Any]:
    """Nested lists for JSON: of each minute its begin and its seconds, and what both arms counted."""
    return [
        counted.arms,
        [[round(m.begin), round(m.end - m.begin), round(m.candidate), round(m.stable)] for m in counted.minutes],
    ]


def from_plain(data: Any) -> Counted:
    """What :func:`to_plain` wrote; nothing where an earlier release wrote none. Raises ValueError or TypeError."""
    if data is None:
        return Counted()
    arms, minutes = data
    if not isinstance(arms, str):
        raise TypeError(f"arms are a text, not {arms!r}")
    return Counted(arms, tuple(_minute(*minute) for minute in minutes))


def _minute(begin: float, seconds: float, candidate: float, stable: float) -> Minute:
    minute = Minute(float(begin), float(begin) + float(seconds), float(candidate), float(stable))
    if not all(map(math.isfinite, minute)):
        raise ValueError(f"a minute with a number that is not finite: {minute}")
    return minute
