"""How long passes wait for objects that are new."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from rollmodel.runtime.arrivals import ARRIVING_SECONDS, LONGEST_SECONDS, Arrivals


@dataclass
class Time:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def arrivals(time: Time) -> Arrivals:
    return Arrivals(time)


def test_where_nothing_is_new_nobody_waits_longer(arrivals: Arrivals) -> None:
    arrivals.begin("a")
    arrivals.end("a")
    arrivals.end("never seen")
    assert arrivals.settle(0.05) == 0.05


def test_the_more_is_new_the_longer_others_wait_but_not_for_ever(arrivals: Arrivals) -> None:
    for number in range(3):
        arrivals.begin(f"uid-{number}")
    assert arrivals.settle(0.05) == pytest.approx(0.2)
    for number in range(500):
        arrivals.begin(f"uid-{number}")
    assert arrivals.settle(0.05) == LONGEST_SECONDS
    assert arrivals.settle(0.0) == 0.0
    assert arrivals.settle(3.0) == 3.0


def test_who_hangs_in_its_first_pass_holds_up_nobody(arrivals: Arrivals, time: Time) -> None:
    arrivals.begin("hangs")
    time.now = ARRIVING_SECONDS
    arrivals.begin("a")
    assert arrivals.settle(0.05) == pytest.approx(0.1)
