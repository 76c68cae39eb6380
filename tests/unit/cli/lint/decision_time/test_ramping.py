"""How long a ramp takes at expected traffic, and a first weight that may do more harm than its bound."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from rollmodel.cli.lint.decision_time.pace import Pace, too_short
from rollmodel.cli.lint.decision_time.timing import decision_times, promotion_seconds
from rollmodel.cli.lint.documents import Document

from tests.support.simulation.rollouts import spec


def pace(rps: float, bad_share: float = 0.005, *, scrape: float = 10.0, **rollout: Any) -> Pace:
    asked = spec(rollout=rollout)
    times = list(decision_times(asked, rps=rps, bad_share=bad_share, scrapes=[scrape]))
    body = {"kind": "ModelDeployment", "metadata": {"name": "churn"}, "spec": asked.to_wire()}
    node = yaml.compose(yaml.safe_dump(body))
    assert node is not None
    return Pace(Document("file.yaml", body, node), asked, rps, bad_share, times)


def seconds(of: Pace) -> float:
    found = of.promoted(10.0)
    assert found is not None
    return found


def test_a_ramp_is_quicker_than_the_default_steps_where_traffic_is_small() -> None:
    assert seconds(pace(100, ramp={})) < seconds(pace(100)) / 2


def test_a_smaller_bound_takes_longer() -> None:
    assert seconds(pace(100, ramp={"maxExpectedHarm": 10})) > seconds(pace(100, ramp={}))


@pytest.mark.parametrize(("rps", "bad_share", "simulated"), [(100, 0.005, 470), (1000, 0.005, 300)])
def test_it_is_what_simulated_rollouts_take(rps: float, bad_share: float, simulated: float) -> None:
    assert simulated / 2 < seconds(pace(rps, bad_share, ramp={})) < simulated * 2


def test_what_was_proven_on_copies_climbs_by_the_largest_steps() -> None:
    asked = pace(100, strategy="Shadow", shadow={"percent": 20}, ramp={})
    first = max(time.safe or 0.0 for time in asked.times)
    assert promotion_seconds(asked.spec, asked.times, rps=100) == first + 3 * 4 * 10


def test_a_first_weight_that_may_do_more_harm_than_the_bound_is_told() -> None:
    (warning,) = too_short(pace(1000, ramp={}))
    assert "answers 1750 of them at 5 %" in warning.message
    assert "`maxExpectedHarm` (100)" in warning.message
    assert not list(too_short(pace(50, ramp={})))


def test_beside_a_baseline_a_small_weight_takes_longer() -> None:
    beside = pace(100, baseline="Fresh")
    assert seconds(beside) > 1.5 * seconds(pace(100))
    assert "gets 5 %, and a baseline as much, at its first step" in beside.title
