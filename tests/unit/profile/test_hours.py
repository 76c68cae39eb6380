"""Parts of the week: every one has enough rows, and no group of one is small enough to be somebody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.profile import Profile, ProfileError, build_profile, read_profile
from rollmodel.profile.hours import HOURS, hours_of_week, parts_of

WEEK = 604_800
#: Monday, 2026-01-05 00:00 UTC.
MONDAY = 1_767_571_200


def built(rows: int, seed: int, spread: float = 1.0) -> tuple[Profile, np.ndarray]:
    rng = np.random.default_rng(seed)
    times = MONDAY + WEEK * rng.beta(2.0, 2.0, rows) + WEEK * rng.integers(0, 3, rows)
    times[:2] = MONDAY, MONDAY + 3 * WEEK
    columns = {
        "age": rng.normal(spread * (times % 86_400) / 43_200, 1.0),
        "day": ((times - MONDAY) // 86_400 % 7).astype(int).astype(str),
        "steady": rng.normal(size=rows),
    }
    return build_profile(columns, time=times), times


@settings(max_examples=20, deadline=None)
@given(st.integers(400, 6000), st.integers(0, 1000), st.floats(0.0, 5.0))
def test_nobody_is_told_apart(rows: int, seed: int, spread: float) -> None:
    profile, times = built(rows, seed, spread)
    assert read_profile(profile.to_json()) == profile
    hours = hours_of_week(times)
    assert hours is not None
    if profile.hours:
        part = np.searchsorted(np.array(profile.hours), hours, side="right") - 1
        assert np.bincount(part, minlength=len(profile.hours)).min() >= 200
    for column in profile.columns:
        if column.rhythm is not None:
            cells = np.array(column.rhythm.counts)
            assert cells.sum() == rows
            assert ((cells == 0) | (cells >= 20)).all()


def test_columns_that_follow_the_hours_are_found() -> None:
    profile, _ = built(6000, 1)
    assert [one.name for one in profile.columns if one.rhythm is not None] == ["age", "day"]
    assert sum(built(3000, seed)[0].features[2].rhythm is not None for seed in range(10)) <= 1, "one of a hundred"


def test_hours_are_those_of_utc_and_begin_on_monday() -> None:
    spread = [MONDAY, MONDAY + 3600 * 25, MONDAY + 2 * WEEK - 1]
    assert hours_of_week(np.array(spread)).tolist() == [0, 25, 167]  # type: ignore[union-attr]
    dates = np.array(spread, dtype="datetime64[s]")
    assert hours_of_week(dates).tolist() == [0, 25, 167]  # type: ignore[union-attr]
    east = timezone(timedelta(hours=2))
    moments: list[Any] = [datetime.fromtimestamp(spread[0], UTC), datetime.fromtimestamp(spread[1], east), None]
    texts = ["2026-01-05T00:00:00Z", "2026-01-06 01:00:00", "2026-01-19T01:59:59+02:00"]
    assert hours_of_week(np.array([*moments, spread and datetime(2026, 1, 18, 23, 59)], dtype=object)).tolist() == [  # type: ignore[union-attr]  # noqa: DTZ001  no zone is UTC
        0,
        25,
        -1,
        167,
    ]
    assert hours_of_week(np.array(texts)).tolist() == [0, 25, 167]  # type: ignore[union-attr]
    assert hours_of_week(np.array([MONDAY, MONDAY + 86_400])) is None


@pytest.mark.parametrize(
    "times", [np.array([["a"]]), np.array([True]), np.array([{}, {}]), np.array([MONDAY * 1e3, 0])]
)
def test_what_is_no_time_is_refused(times: Any) -> None:
    with pytest.raises(ProfileError, match="`time` must be dates"):
        hours_of_week(times)


def test_a_closed_sunday_belongs_to_its_neighbour() -> None:
    hours = np.repeat(np.arange(6 * 24), 100)
    parts = parts_of(hours, 20)
    assert parts[:3] == (0, 2, 4)
    assert parts[-1] == 142
    assert len(parts) == 72
    assert parts_of(np.repeat(np.arange(HOURS), 2), 20) == (), "too few for two parts"


@pytest.mark.parametrize(
    "edit",
    [
        lambda profile: profile.update(hours=[1, 5]),
        lambda profile: profile.update(hours=[0, 500]),
        lambda profile: profile["features"][0]["rhythm"]["groups"].reverse(),
        lambda profile: profile["features"][0]["rhythm"]["counts"].pop(),
        lambda profile: profile["features"][0]["rhythm"]["counts"][0].append(3),
        lambda profile: profile["features"][0]["rhythm"].update(counts=[[10**6] * 2] * len(profile["hours"])),
    ],
)
def test_what_is_no_rhythm_is_refused(edit: Any) -> None:
    import json

    content = json.loads(built(6000, 1)[0].to_json())
    edit(content)
    with pytest.raises(ProfileError):
        read_profile(json.dumps(content))
