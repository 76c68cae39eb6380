"""Queries that always run into their time-out are asked seldom, and only where Prometheus itself is well."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rollmodel.adapters.prometheus.slow import SlowQueries
from rollmodel.errors import Unavailable

from tests.support.ticking import Ticking

SLOW, QUICK = ("uid", "slow"), ("uid", "quick")


@pytest.fixture
def time() -> Ticking:
    return Ticking(100.0)


@pytest.fixture
def queries(time: Ticking) -> SlowQueries:
    return SlowQueries(10.0, time)


def asked(queries: SlowQueries, key: tuple[str, str] = SLOW) -> bool:
    try:
        queries.check(key)
    except Unavailable:
        return False
    return True


def fail(queries: SlowQueries, time: Ticking, times: int) -> None:
    for _ in range(times):
        queries.timed_out(SLOW)
        queries.answered(QUICK)
        time.now += 0.001


def test_one_time_out_is_nothing(queries: SlowQueries, time: Ticking) -> None:
    fail(queries, time, 1)
    assert asked(queries)


def test_a_slow_query_is_asked_seldom_and_says_so(queries: SlowQueries, time: Ticking) -> None:
    fail(queries, time, 2)
    with pytest.raises(Unavailable, match=r"again in 20 s: 2 times in a row it took longer than 10 s"):
        queries.check(SLOW)
    assert asked(queries, QUICK)
    assert asked(queries, ("another", "slow"))
    time.now += 20
    assert asked(queries)


@pytest.mark.parametrize(("times", "seconds"), [(2, 20), (3, 40), (4, 60), (100, 60)])
def test_the_pause_grows_and_has_an_end(queries: SlowQueries, time: Ticking, times: int, seconds: int) -> None:
    fail(queries, time, times)
    time.now += seconds - 1
    assert not asked(queries)
    time.now += 1
    assert asked(queries)


def test_an_answer_in_time_ends_it(queries: SlowQueries, time: Ticking) -> None:
    fail(queries, time, 5)
    queries.answered(SLOW)
    assert asked(queries)


@pytest.mark.parametrize("before", [lambda queries: None, lambda queries: queries.answered(QUICK)])
def test_where_nobody_gets_an_answer_nothing_pauses(
    queries: SlowQueries, time: Ticking, before: Callable[[SlowQueries], None]
) -> None:
    """Prometheus is away, and evidence is asked for as soon as it is back."""
    before(queries)
    time.now += 1
    for _ in range(5):
        queries.timed_out(SLOW)
    assert asked(queries)


def test_what_is_remembered_is_bounded(queries: SlowQueries) -> None:
    for number in range(5000):
        queries.timed_out(("uid", str(number)))
    assert len(queries._slow) == 4096
