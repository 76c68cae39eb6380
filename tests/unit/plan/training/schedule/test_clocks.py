"""Schedules under clocks that jump, and statuses that are lost: no minute is started twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.simulation.trainings.schedules import Scheduled, at, hourly, name

_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 400)),
        st.tuples(st.just("back"), st.integers(1, 400)),
        st.tuples(st.just("kill"), st.integers(1, 90)),
        st.tuples(st.just("end"), st.sampled_from(["True", "False"])),
        st.tuples(st.just("bury"), st.none()),
        st.tuples(st.just("suspend"), st.sampled_from(["Suspended", None])),
    ),
    max_size=30,
)


def test_a_clock_that_goes_back_starts_nothing_twice() -> None:
    parent = hourly(concurrencyPolicy="Allow")
    parent.jump(at("01-01 02:00"))
    parent.jump(at("01-01 01:30"))
    assert parent.status["schedule"]["nextScheduleTime"] == "2026-01-01T03:00:00Z"
    assert parent.condition("Stalled")["status"] == "False"
    parent.follow(at("01-01 02:30"))
    assert parent.created == [name("01-01 02:00")]


def test_a_clock_that_was_far_ahead_needs_a_person() -> None:
    parent = hourly(concurrencyPolicy="Allow")
    parent.jump(at("06-01 02:00"))
    parent.jump(at("01-01 02:00"))
    assert parent.condition("Stalled")["reason"] == "ClockWentBack"
    assert parent.reasons()[-1] == "ClockWentBack"


def test_a_lost_status_starts_no_minute_twice() -> None:
    parent = hourly()
    parent.jump(at("01-01 01:00"))
    parent.end(name("01-01 01:00"))
    parent.status = {}
    parent.jump(at("01-01 01:01"))
    assert parent.reasons() == ["RunStarted"]


def test_a_new_line_is_not_due_in_the_past() -> None:
    parent = Scheduled({"cron": "0 3 * * *"})
    parent.follow(at("01-01 12:00"))
    parent.schedule = {"cron": "0 5 * * *"}
    parent.settle()
    assert parent.created == [name("01-01 03:00")]
    assert parent.status["schedule"]["nextScheduleTime"] == "2026-01-02T05:00:00Z"


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["Forbid", "Replace", "Allow"]), st.sampled_from([None, 60, 3600]), st.integers(0, 2), _STEPS)
def test_promises_under_any_clock(policy: str, deadline: int | None, limit: int, steps: list[Any]) -> None:
    parent = hourly(
        cron="*/20 * * * *",
        concurrencyPolicy=policy,
        successfulRunsHistoryLimit=limit,
        failedRunsHistoryLimit=limit,
        **({"startingDeadlineSeconds": deadline} if deadline else {}),
    )
    mark = ""
    for step, value in steps:
        _take(parent, step, value)
        begun = len(parent.created)
        parent.settle()
        assert len(parent.created) <= begun + 1
        started = [event.message.split(",")[0] for event in parent.events if event.reason == "RunStarted"]
        assert len(set(started)) == len(started)
        assert set(parent.created) <= set(started)
        assert policy == "Allow" or len(parent.active()) <= 1
        staying = [child for child in parent.children.values() if "deletionTimestamp" not in child["metadata"]]
        assert len(staying) <= len(parent.active()) + 2 * limit
        last = parent.status["schedule"].get("lastScheduleTime", "")
        assert last >= mark
        mark = last


def _take(parent: Scheduled, step: str, value: Any) -> None:
    if step in {"wait", "back"}:
        parent.now += timedelta(minutes=value if step == "wait" else -value)
    elif step == "kill":
        parent.now += timedelta(minutes=value)
        parent.decide()
    elif step == "bury":
        parent.bury()
    elif step == "suspend":
        parent.fields = {"suspend": value} if value else {}
    elif parent.active():
        parent.end(parent.active()[0], value)
