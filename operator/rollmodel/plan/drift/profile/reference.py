"""What a window is compared with: the profile of the training, or the same revision's own past.

Both can follow the day or the week: then a window is compared with the same hours of other days, or of other weeks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from rollmodel.api.driftpolicy import DriftPolicySpec, WindowReference
from rollmodel.evidence.core.arrays import Array
from rollmodel.plan.drift.evaluation.history import History
from rollmodel.plan.drift.profile.layout import Layout

__all__ = ["PERIODS", "past_period", "profile_period", "reference_of", "with_widths"]

#: Season -> its length in seconds.
PERIODS: Mapping[str, int] = {"HourOfDay": 86_400, "HourOfWeek": 604_800}
_SIX_HOURS = 21_600


def past_period(spec: DriftPolicySpec) -> int | None:
    """The season of the revision's own past, in seconds; None without one."""
    return PERIODS.get(spec.season) if spec.reference.window is not None else None


def profile_period(spec: DriftPolicySpec, layout: Layout) -> int | None:
    """The season of the profile: windows that are shorter are compared with their own hours. None without one."""
    if spec.reference.training is None or spec.false_alarms.mode == "Anytime" or layout.rhythm is None:
        return None
    return PERIODS["HourOfWeek"] if spec.season == "Auto" else PERIODS.get(spec.season)


def with_widths(spec: DriftPolicySpec, layout: Layout) -> DriftPolicySpec:
    """The spec with the windows that it leaves out. Six hours are a part of the day: without the same hours to compare
    them with, each morning would be a change.
    """
    if spec.window_seconds is not None:
        return spec
    same_hours = spec.reference.stable_track or past_period(spec) or profile_period(spec, layout)
    widths = [*spec.windows, _SIX_HOURS] if same_hours else [*spec.windows]
    return spec.model_copy(update={"window_seconds": sorted(widths)})


def reference_of(spec: DriftPolicySpec, history: History, *, at: float, watched_since: float) -> Array:
    """The counts that each window is compared with [W, S, K]; zeros where there is no past yet."""
    past = spec.reference.window
    if past is None:
        return np.broadcast_to(history.layout.reference(), (len(spec.windows), *history.layout.shape))
    return np.stack([_of_past(spec, past, history, width=width, at=at, since=watched_since) for width in spec.windows])


def _of_past(
    spec: DriftPolicySpec, past: WindowReference, history: History, *, width: int, at: float, since: float
) -> Array:
    total = np.zeros(history.layout.shape)
    for begin, end in _stretches(spec, past, width, at):
        if begin >= since:
            total += history.bins(history.total(begin, end))
    return total


def _stretches(spec: DriftPolicySpec, past: WindowReference, width: int, at: float) -> Iterator[tuple[float, float]]:
    """What belongs to the reference, as (begin, end): never the window itself."""
    newest = at - max(past.offset_seconds, width)
    oldest, period = newest - past.duration_seconds, past_period(spec)
    if period is None or width >= period:
        yield from _pieces(oldest, newest, width)
        return
    end = at - period
    while end - width >= oldest:
        if end <= newest:
            yield end - width, end
        end -= period


def _pieces(oldest: float, newest: float, width: int) -> Iterator[tuple[float, float]]:
    """All of it, in pieces: what lies before the revision is left out, and the rest counts."""
    end = newest
    while end - width >= oldest:
        yield end - width, end
        end -= width
