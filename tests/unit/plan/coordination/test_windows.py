"""When windows open: by the clock on the wall, with its changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.api.coordination import DAYS, Freeze, Window
from rollmodel.plan.coordination.windows import freeze_at, is_open, opens_at


def window(from_: str = "00:00", to: str = "24:00", zone: str = "Europe/Berlin", *days: str) -> Window:
    return Window.model_validate({"days": days or [*DAYS], "from": from_, "to": to, "timeZone": zone})


def freeze(since: str | None, until: str | None, reason: str = "audit") -> Freeze:
    return Freeze.model_validate({"reason": reason, "from": since, "until": until})


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC)


OFFICE = window("09:00", "16:00", "Europe/Berlin", "Mon", "Tue", "Wed", "Thu")
NIGHT = window("22:00", "02:00", "Europe/Berlin", "Fri")


@pytest.mark.parametrize(
    ("one", "now", "opens"),
    [
        (OFFICE, "06-01 07:00", "06-01 07:00"),  # Monday, 09:00 in summer
        (OFFICE, "06-01 06:59", "06-01 07:00"),
        (OFFICE, "06-01 14:00", "06-02 07:00"),  # closed at 16:00
        (OFFICE, "06-04 15:00", "06-08 07:00"),  # Thursday evening -> Monday
        (OFFICE, "01-08 15:00", "01-12 08:00"),  # winter
        (OFFICE, "03-27 12:00", "03-30 07:00"),  # over the change of clocks
        (NIGHT, "06-05 19:59", "06-05 20:00"),
        (NIGHT, "06-05 23:59", "06-05 23:59"),  # 01:59 on Saturday belongs to Friday's
        (NIGHT, "06-06 00:00", "06-12 20:00"),
        # Berlin leaps from 02:00 to 03:00 on March 29, 01:00 UTC
        (window("02:00", "03:00"), "03-29 00:59", "03-30 00:00"),  # not at all on that day
        (window("02:30", "04:00"), "03-29 00:30", "03-29 01:00"),  # from 03:00 on, after the leap
        (window("00:00", "09:00", "Europe/Berlin", "Sun"), "03-28 00:07", "03-28 23:00"),  # before the leap of that day
        # Beirut leaps at midnight, 22:00 UTC
        (window("00:30", "09:00", "Asia/Beirut", "Sun"), "03-28 00:07", "03-28 22:00"),
        # Berlin has the hour from 02:00 twice on October 25, from 00:00 and from 01:00 UTC
        (window("02:15", "02:45"), "10-25 00:50", "10-25 01:15"),
        (window("01:30", "02:30"), "10-25 00:45", "10-25 01:00"),
        (window("01:30", "02:30"), "10-25 01:45", "10-26 00:30"),
        (window("00:00", "24:00", "Asia/Kolkata", "Wed"), "06-01 00:00", "06-02 18:30"),
    ],
)
def test_it_opens(one: Window, now: str, opens: str) -> None:
    assert opens_at([], [[one]], at(now)) == at(opens)
    assert is_open(one, at(opens))


def test_several_windows_of_one_list_add_up_and_two_lists_have_both_to_be_open() -> None:
    morning, evening = window("08:00", "09:00", "Etc/UTC"), window("20:00", "21:00", "Etc/UTC")
    assert opens_at([], [[morning, evening]], at("06-01 10:00")) == at("06-01 20:00")
    assert opens_at([], [[morning, evening], [window("20:30", "23:00", "Etc/UTC")]], at("06-01 10:00")) == at(
        "06-01 20:30"
    )
    assert opens_at([], [[morning], [evening]], at("06-01 10:00")) is None
    assert opens_at([], [[], []], at("06-01 10:00")) == at("06-01 10:00")


def test_a_freeze_shifts_the_opening() -> None:
    close = freeze("2026-12-18T00:00:00+01:00", "2027-01-03T12:00:00Z")
    assert opens_at([close], [], at("12-17 12:00")) == at("12-17 12:00")
    assert opens_at([close], [], at("12-20 12:00")) == datetime(2027, 1, 3, 12, tzinfo=UTC)
    assert opens_at([close], [[OFFICE]], at("12-20 12:00")) == datetime(2027, 1, 4, 8, tzinfo=UTC)
    assert opens_at([close, freeze(None, None)], [[OFFICE]], at("12-20 12:00")) is None
    # one that begins before the window opens
    assert opens_at([freeze("2026-06-02T00:00:00Z", "2026-06-03T00:00:00Z")], [[OFFICE]], at("06-01 20:00")) == at(
        "06-03 07:00"
    )


def test_the_freeze_that_lasts_longest_is_told() -> None:
    short, long = freeze(None, "2026-06-02T00:00:00Z", "short"), freeze(None, "2026-06-09T00:00:00Z", "long")
    endless = freeze("2026-06-05T00:00:00Z", None, "endless")
    assert freeze_at([short, long, endless], at("06-01 00:00")) is long
    assert freeze_at([short, long, endless], at("06-05 00:00")) is endless
    assert freeze_at([short, long], at("06-10 00:00")) is None


HOURS = st.sampled_from(["00:00", "01:30", "02:00", "02:15", "02:45", "03:00", "09:00", "23:30"])
ZONES = ["Etc/UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata"]
WINDOWS = st.builds(
    lambda days, times, zone: window(*times, zone, *days),
    st.lists(st.sampled_from(DAYS), min_size=1, max_size=3, unique=True),
    st.tuples(HOURS, HOURS).filter(lambda pair: pair[0] != pair[1]),
    st.sampled_from(ZONES),
)
#: Around changes of clocks, and anywhere.
MOMENTS = st.sampled_from(["03-07", "03-28", "04-04", "10-03", "10-24", "10-31", "06-15", "02-14", "03-21"])


@settings(max_examples=60, deadline=None)
@given(st.lists(WINDOWS, min_size=1, max_size=2), MOMENTS, st.integers(0, 47))
def test_it_is_the_first_open_minute(some: list[Window], day: str, hour: int) -> None:
    """As whoever looks at the clock each minute would find it."""
    now = at(f"{day} 00:00") + timedelta(hours=hour, minutes=7)
    opening = opens_at([], [some], now)
    looked = now
    while not any(is_open(one, looked) for one in some) and looked < now + timedelta(days=3):
        looked += timedelta(minutes=1)
    if any(is_open(one, looked) for one in some):
        assert opening == looked
    else:
        assert opening is None or opening >= looked
