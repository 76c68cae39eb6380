"""Cron lines and time zones."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.api.trainingjob import Schedule
from rollmodel.errors import Invalid
from rollmodel.plan.training.schedule.cron import COUNTED, Timetable

from tests.support.simulation.trainings.schedules import START, at


def timetable(cron: str, zone: str = "Etc/UTC", now: datetime = START) -> Timetable:
    return Timetable.of(Schedule.model_validate({"cron": cron, "timeZone": zone}), now)


@pytest.mark.parametrize(
    ("cron", "zone", "after", "times"),
    [
        ("@daily", "Etc/UTC", "01-01 00:00", ["01-02 00:00", "01-03 00:00"]),
        ("@hourly", "Asia/Kolkata", "01-01 00:00", ["01-01 00:30", "01-01 01:30"]),
        ("0 3 * * 1", "Europe/Berlin", "01-01 00:00", ["01-05 02:00", "01-12 02:00"]),
        # Europe/Berlin leaps from 02:00 to 03:00 on March 29, 01:00 UTC
        ("30 2 * * *", "Europe/Berlin", "03-28 12:00", ["03-29 01:00", "03-30 00:30"]),
        ("30 3 * * *", "Europe/Berlin", "03-28 12:00", ["03-29 01:30", "03-30 01:30"]),
        ("*/30 * * * *", "Europe/Berlin", "03-29 00:00", ["03-29 00:30", "03-29 01:00", "03-29 01:30"]),
        ("0,30 2 * * *", "Europe/Berlin", "03-28 12:00", ["03-29 01:00", "03-30 00:00"]),
        # and has the hour from 02:00 twice on October 25, from 00:00 and from 01:00 UTC
        ("30 2 * * *", "Europe/Berlin", "10-24 12:00", ["10-25 00:30", "10-26 01:30"]),
        ("30 2 * * *", "Europe/Berlin", "10-25 01:15", ["10-26 01:30"]),
        ("*/30 * * * *", "Europe/Berlin", "10-25 00:00", ["10-25 00:30", "10-25 01:00", "10-25 01:30", "10-25 02:00"]),
    ],
)
def test_times(cron: str, zone: str, after: str, times: list[str]) -> None:
    table, moment = timetable(cron, zone), at(after)
    for text in times:
        coming = table.next(moment)
        assert coming == at(text)
        moment = at(text)


@pytest.mark.parametrize("cron", ["0 0 30 2 *", "0 0 31 4,6 *", "99 * * * *", "0 0 * * FRI-MON", "? * * * *"])
def test_a_line_without_sense(cron: str) -> None:
    with pytest.raises(Invalid, match="makes no sense or is never due") as caught:
        timetable(cron)
    assert caught.value.reason == "InvalidSchedule"


def test_a_line_that_is_never_due() -> None:
    with pytest.raises(Invalid, match="is never due") as caught:
        timetable("0 0 LW * */7")  # the last weekday is no Sunday
    assert caught.value.reason == "NeverDue"


@pytest.mark.parametrize("zone", ["Mars/Base", "America", "europe/berlin/x"])
def test_an_unknown_zone_names_a_known_one(zone: str) -> None:
    with pytest.raises(Invalid, match="'Europe/Berlin'") as caught:
        timetable("@daily", zone)
    assert caught.value.reason == "UnknownTimeZone"


def test_without_a_database_utc_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str) -> zoneinfo.ZoneInfo:
        raise zoneinfo.ZoneInfoNotFoundError(name)

    monkeypatch.setattr("rollmodel.api.fields.time_zones.ZoneInfo", none)
    assert timetable("@daily").next(START) == at("01-02 00:00")
    with pytest.raises(Invalid, match="no time zone database"):
        timetable("@daily", "Europe/Berlin")


def test_a_long_absence_is_neither_walked_through_nor_counted_out() -> None:
    table = timetable("* * * * *")
    assert table.latest(START - timedelta(days=3000), START) == START
    assert table.count(START - timedelta(days=3000), START) == COUNTED


_CRON_FIELD = st.text("0123456789*,/-?LWMONSUJA", min_size=1, max_size=4)


@settings(max_examples=200)
@given(st.lists(_CRON_FIELD, min_size=5, max_size=5), st.sampled_from(["Etc/UTC", "Europe/Berlin"]))
def test_a_line_is_read_or_refused(parts: list[str], zone: str) -> None:
    assert _read(" ".join(parts), zone) in {"InvalidSchedule", "NeverDue", None}


def _read(cron: str, zone: str) -> str | None:
    try:
        timetable(cron, zone)
    except Invalid as error:
        return error.reason
    return None


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["*/7 * * * *", "30 2 * * *", "15,45 */3 * * *", "0 2,3 * * *", "30 1 * * 0"]),
    st.sampled_from(["Etc/UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    st.integers(0, 364 * 1440),
    st.integers(0, 3 * 1440),
)
def test_all_ways_of_asking_agree(cron: str, zone: str, minute: int, span: int) -> None:
    table, after = timetable(cron, zone), START + timedelta(minutes=minute)
    until = after + timedelta(minutes=span)
    times, moment = [], table.next(after)
    while moment is not None and moment <= until:
        times.append(moment)
        moment = table.next(moment)
    assert all(one < other for one, other in pairwise(times))
    assert table.latest(after, until) == (times[-1] if times else None)
    assert table.count(after, until) == min(COUNTED, len(times))
    assert all(time.tzinfo is UTC for time in times)
