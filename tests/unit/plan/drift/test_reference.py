"""A window against the past of its own revision, and against the same hours of it where traffic follows the day."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rollmodel.api.driftpolicy import DriftPolicySpec
from rollmodel.plan.drift.evaluation.evaluate import Evaluation, evaluate
from rollmodel.plan.drift.evaluation.history import History
from rollmodel.plan.drift.evaluation.learning import dispersion_of, is_calibrated, learn_from
from rollmodel.plan.drift.profile.layout import Layout
from rollmodel.plan.drift.profile.reference import reference_of, with_widths
from rollmodel.plan.drift.profile.rhythm import Rhythm
from rollmodel.plan.drift.profile.signal import GROUPS, Signal

HOUR, DAY = 3600, 86_400
START = 1_767_225_600
BINS = 10
EDGES = np.linspace(-1.2, 1.2, BINS - 1)
LAYOUT = Layout(
    digest="sha256:a",
    rows=10_000,
    signals=(
        Signal(
            name="feature:age",
            bins=tuple(("feature:age", "le", f"{one}") for one in [*EDGES.tolist(), "+Inf"]),
            reference=(1000.0,) * BINS,
            nulls=0.0,
            unseen=0.0,
            rows=10_000.0,
            importance=1.0,
            cumulative=True,
        ),
    ),
)


def spec(**fields: Any) -> DriftPolicySpec:
    given = {
        "modelDeploymentRef": {"name": "churn"},
        "windowSeconds": [HOUR],
        "signals": [{"name": "features", "kind": "Feature"}],
        "dependence": {"quietWindows": 72},
        "reference": {"window": {"durationSeconds": 7 * DAY, "offsetSeconds": HOUR}},
        **fields,
    }
    return DriftPolicySpec.model_validate(given)


@pytest.mark.parametrize(
    ("fields", "hours", "six"),
    [
        ({"reference": {"training": {}}}, False, False),
        ({"reference": {"training": {}}}, True, True),
        ({"reference": {"training": {}}, "season": "None"}, True, False),
        ({"reference": {"training": {}}, "falseAlarms": {"mode": "Anytime"}}, True, False),
        ({}, False, False),
        ({"season": "HourOfDay"}, False, True),
        ({"reference": {"stableTrack": {}}, "track": "Candidate"}, False, True),
    ],
)
def test_windows_of_six_hours_are_for_the_same_hours(fields: dict[str, Any], hours: bool, six: bool) -> None:
    """A part of the day is compared with nothing but the same part; what a person writes stays."""
    part = np.zeros(168, dtype=np.int64)
    known = Rhythm(part, np.zeros(1, dtype=np.int64), np.zeros((1, BINS), dtype=np.int64), np.full((1, 1, 1), 1e4))
    layout = replace(LAYOUT, rhythm=known if hours else None)
    found = with_widths(spec(**{"windowSeconds": None, **fields}), layout).windows
    assert found == ([HOUR, 6 * HOUR, DAY, 7 * DAY] if six else [HOUR, DAY, 7 * DAY])
    assert with_widths(spec(**fields), layout).windows == [HOUR]


def past(mean: Callable[[int], float], hours: int) -> History:
    """So many hours of 1,000 rows each, whose mean is that of the hour."""
    rng, steps = np.random.default_rng(3), {}
    for hour in range(hours):
        counts = np.bincount(np.searchsorted(EDGES, rng.normal(mean(hour), 1.0, 1000)), minlength=BINS)
        steps[START + (hour + 1) * HOUR] = np.array([*np.cumsum(counts), *([0.0, 0.0, 1000.0][: len(GROUPS)]), 1000.0])
    return History(LAYOUT, steps)


def daily(hour: int) -> float:
    """Traffic that follows the day."""
    return 0.4 * math.sin(2 * math.pi * hour / 24)


def looked(policy: DriftPolicySpec, history: History, hours: int) -> Evaluation:
    learnt = learn_from(policy, history, after=START, until=START + hours * HOUR, now="2026-01-01T00:00:00Z")
    assert learnt is not None
    dispersion = dispersion_of(learnt, 1)
    assert dispersion is not None
    at = START + hours * HOUR
    now = "2026-01-01T00:00:00Z"
    return evaluate(policy, history, [], at=at, watched_since=START, dispersion=dispersion, now=now)


def verdicts(policy: DriftPolicySpec, mean: Callable[[int], float], hours: range) -> set[str]:
    history = past(mean, hours.stop)
    return {looked(policy, history.since(0), hour).signals[0].verdict for hour in hours}


def test_the_day_is_no_drift_where_hours_are_compared_with_the_same_hours() -> None:
    policy = spec(season="HourOfDay")
    assert verdicts(policy, daily, range(96, 120)) == {"Stable"}
    learnt = learn_from(policy, past(daily, 96), after=START, until=START + 96 * HOUR, now="2026-01-01T00:00:00Z")
    assert learnt is not None
    assert is_calibrated(learnt)
    assert float(learnt.dispersion) < 1.5, "the day is no noise"


def test_without_a_season_the_day_is_noise_and_hides_what_is_small() -> None:
    learnt = learn_from(spec(), past(daily, 96), after=START, until=START + 96 * HOUR, now="2026-01-01T00:00:00Z")
    assert learnt is not None
    assert float(learnt.dispersion) > 3


@pytest.mark.parametrize("season", ["None", "HourOfDay"])
def test_a_change_is_seen(season: str) -> None:
    def jumps(hour: int) -> float:
        return (daily(hour) if season == "HourOfDay" else 0.0) + (0.5 if hour >= 100 else 0.0)

    policy, history = spec(season=season), past(jumps, 104)
    assert looked(policy, history, 100).signals[0].verdict == "Stable"
    assert looked(policy, history, 103).signals[0].verdict == "Suspected"


def test_without_a_past_nothing_is_known() -> None:
    policy, history = spec(season="HourOfDay"), past(daily, 20)
    found = evaluate(
        policy,
        history,
        [],
        at=START + 20 * HOUR,
        watched_since=START,
        dispersion=np.ones(1),
        now="2026-01-01T00:00:00Z",
    )
    assert found.enough == (False,)
    assert found.signals[0].verdict == "Insufficient"


def test_what_belongs_to_the_past() -> None:
    history, at = past(lambda _: 0.0, 240), START + 240 * HOUR
    rows = reference_of(spec(), history, at=at, watched_since=START).sum()
    assert rows == 7 * 24 * 1000
    same_hours = reference_of(spec(season="HourOfDay"), history, at=at, watched_since=START).sum()
    assert same_hours == 7 * 1000
    young = reference_of(spec(), history, at=at, watched_since=at - 5 * HOUR).sum()
    assert young == 4 * 1000, "the window itself is not its own past"
    profile = spec(reference={"training": {}})
    assert reference_of(profile, history, at=at, watched_since=START).tolist() == [[[1000.0] * BINS]]
