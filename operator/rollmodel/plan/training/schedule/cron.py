"""When a schedule is due: cron lines as Debian's cron reads them, in a time zone, with its changes of the clock.

A time that the clock leaps over is due right after the leap, one that occurs twice is due the first time; lines with
``*`` in minute or hour follow the real time. The reading is :mod:`cronsim`'s. Seconds do not occur.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice, takewhile

from cronsim import CronSim, CronSimError

from rollmodel.api.fields.time_zones import find_zone, has_time_zones
from rollmodel.api.trainingjob import Schedule
from rollmodel.errors import Invalid

__all__ = ["COUNTED", "Timetable"]

#: Missed times are counted up to here.
COUNTED = 100

_MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


@dataclass(frozen=True, slots=True)
class Timetable:
    """The times of a schedule; all are UTC."""

    line: str
    zone: tzinfo

    @classmethod
    def of(cls, schedule: Schedule, now: datetime) -> Timetable:
        """Raises Invalid where the line or the zone makes no sense, or where no time comes within 50 years."""
        timetable = cls(_MACROS.get(schedule.cron, schedule.cron), _zone(schedule.time_zone))
        try:
            coming = timetable.next(now)
        except CronSimError as error:
            message = f"schedule.cron {schedule.cron!r} makes no sense or is never due: {error}; '0 3 * * 1' would do"
            raise Invalid(message, reason="InvalidSchedule") from None
        if coming is None:
            raise Invalid(f"schedule.cron {schedule.cron!r} is never due", reason="NeverDue")
        return timetable

    def next(self, after: datetime) -> datetime | None:
        """The first time after this one; None where there is none within 50 years."""
        return next(self._from(after), None)

    def latest(self, after: datetime, until: datetime) -> datetime | None:
        """The last time after ``after`` and not after ``until``."""
        span = timedelta(hours=1)
        while True:  # from the end, so that a long time of minutes is not walked through
            start = max(after, until - span)
            found = deque(self._between(start, until), maxlen=1)
            if found or start == after:
                return found[0] if found else None
            span *= 2

    def count(self, after: datetime, until: datetime) -> int:
        """How many times lie after ``after`` and not after ``until``, counted up to :data:`COUNTED`."""
        return sum(1 for _ in islice(self._between(after, until), COUNTED))

    def _between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        return takewhile(lambda moment: moment <= until, self._from(after)) if after < until else iter(())

    def _from(self, after: datetime) -> Iterator[datetime]:
        local = after.astimezone(self.zone)
        for moment in CronSim(self.line, local):
            utc = moment.astimezone(UTC)
            if utc > after:  # in the second of two equal hours it begins with the first one
                yield utc


def _zone(name: str) -> tzinfo:
    zone = find_zone(name)
    if zone is not None:
        return zone
    if not has_time_zones():
        message = f"schedule.timeZone {name!r}: this operator has no time zone database, so only 'Etc/UTC' is known"
        raise Invalid(message, reason="UnknownTimeZone")
    message = f"schedule.timeZone {name!r} is no known time zone; 'Etc/UTC' or 'Europe/Berlin' are"
    raise Invalid(message, reason="UnknownTimeZone")
