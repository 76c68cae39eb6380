"""When freezes end and windows open, by the clock on the wall of a time zone.

A window is open at a moment when such a clock shows a time in it. So one in an hour that the clock leaps over is not
open on that day, and one in an hour that comes twice is open twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from rollmodel.api.coordination import DAYS, Freeze, Window, minutes
from rollmodel.api.fields.time_zones import find_zone

__all__ = ["freeze_at", "is_open", "opens_at"]

_DAY = timedelta(days=1)
#: Windows repeat after a week, but for the changes of clocks.
_LOOK_AHEAD = timedelta(days=15)


def freeze_at(freezes: Sequence[Freeze], now: datetime) -> Freeze | None:
    """The freeze that lasts longest of those in force."""
    in_force = [one for one in freezes if (one.from_ is None or one.from_ <= now) and not _over(one, now)]
    return max(in_force, key=lambda one: (one.until is None, one.until or now), default=None)


def is_open(window: Window, now: datetime) -> bool:
    """Whether a clock there shows a time of this window."""
    local = now.astimezone(_zone(window))
    shown, begins, ends = local.hour * 60 + local.minute, minutes(window.from_), minutes(window.to)
    today, yesterday = DAYS[local.weekday()], DAYS[local.weekday() - 1]
    if begins < ends:
        return today in window.days and begins <= shown < ends
    return (today in window.days and shown >= begins) or (yesterday in window.days and shown < ends)


def opens_at(freezes: Sequence[Freeze], windows: Sequence[Sequence[Window]], now: datetime) -> datetime | None:
    """From when on nothing is frozen, and of each of these lists of windows one is open: ``now`` or later.

    An empty list is always open. None where that is not planned: a freeze without an end, or no common time.
    """
    moment, last = now, None
    while True:
        freeze = freeze_at(freezes, moment)
        if freeze is not None and freeze.until is None:
            return None
        if freeze is not None and freeze.until is not None:
            moment = last = freeze.until
            continue
        closed = next((some for some in windows if some and not any(is_open(one, moment) for one in some)), None)
        if closed is None:
            return moment
        opening = min(_openings(closed, moment), default=None)
        if opening is None or opening > (last or now) + _LOOK_AHEAD:
            return None
        moment = opening


def _openings(windows: Sequence[Window], after: datetime) -> Iterator[datetime]:
    """The next moment after this one at which each of the windows opens, if it does within ten days."""
    for window in windows:
        zone, at = _zone(window), time.fromisoformat(window.from_)
        first = after.astimezone(zone).date() - _DAY
        for day in (first + number * _DAY for number in range(11)):
            begins = (datetime.combine(day, at, zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1))
            later = [one for one in (*begins, *_leaps(day, zone)) if one > after and is_open(window, one)]
            if later:
                yield min(later)
                break


def _leaps(day: date, zone: tzinfo) -> Iterator[datetime]:
    """When the clock there is changed on this day: it may leap into a window."""
    low = datetime.combine(day, time(), zone).astimezone(UTC)
    before, span = low.astimezone(zone).utcoffset(), 26 * 60
    if (low + timedelta(minutes=span)).astimezone(zone).utcoffset() == before:
        return
    bottom, top = 0, span
    while top - bottom > 1:
        middle = (bottom + top) // 2
        same = (low + timedelta(minutes=middle)).astimezone(zone).utcoffset() == before
        bottom, top = (middle, top) if same else (bottom, middle)
    leap = low + timedelta(minutes=top)
    if (leap - timedelta(minutes=1)).astimezone(zone).date() == day:  # else the next day has it, and may open before
        yield leap


def _over(freeze: Freeze, now: datetime) -> bool:
    return freeze.until is not None and freeze.until <= now


def _zone(window: Window) -> tzinfo:
    zone = find_zone(window.time_zone)
    assert zone is not None  # noqa: S101 - the rules were checked
    return zone
