"""Windows that are shorter than a week are compared with their own hours, where the profile counted by them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from rollmodel.api.driftpolicy import DriftPolicySpec
from rollmodel.evidence.core.arrays import Array
from rollmodel.evidence.drift.mixture import mixture
from rollmodel.plan.drift.evaluation.evaluate import Evaluation, evaluate
from rollmodel.plan.drift.evaluation.history import History
from rollmodel.plan.drift.profile.layout import Layout, Points
from rollmodel.plan.problem import Problem
from rollmodel.profile import Profile, build_profile
from rollmodel.serving.drift.counter import Counter
from rollmodel.serving.drift.exposition import DriftMetrics
from rollmodel.serving.drift.recorder import Recorder
from rollmodel.serving.drift.signals import GROUPS, signals_of

HOUR, DAY, WEEK = 3600, 86_400, 604_800
#: Monday, 2026-01-05 00:00 UTC.
MONDAY = 1_767_571_200
ROWS = 60_000


def weekend(seconds: Array) -> Array:
    return ((seconds - MONDAY) % WEEK >= 5 * DAY).astype(float)


def rows_at(rng: np.random.Generator, seconds: Array, moved: float = 0.0) -> tuple[dict[str, Any], Array]:
    """Other people come at the weekend, and they are less likely to stay; ``steady`` knows no hours."""
    away = weekend(seconds)
    columns = {"age": rng.normal(0.5 * away + moved, 1.0), "steady": rng.normal(size=len(seconds))}
    return columns, rng.beta(6.0 - 4.0 * away, 2.0)


@pytest.fixture(scope="module")
def profile() -> Profile:
    rng = np.random.default_rng(1)
    times = MONDAY - 4 * WEEK + rng.uniform(0, 4 * WEEK, ROWS)
    columns, score = rows_at(rng, times)
    return build_profile(columns, score=score, target=(rng.random(ROWS) < score).astype(int), time=times)


def shown(profile: Profile) -> list[Points]:
    """As the query of the reference tells its series apart."""
    registry, (signals, _) = CollectorRegistry(), signals_of(profile)
    registry.register(DriftMetrics(profile, signals, Recorder(signals)))
    found: list[Points] = []
    for sample in (one for family in registry.collect() for one in family.samples):
        what = sample.name.removeprefix("rollmodel_profile_")
        if what != sample.name:
            labels = {name: value for name, value in sample.labels.items() if value}
            found.append(({**labels, "what": what}, [(0.0, sample.value)]))
    return found


def layout_of(profile: Profile) -> Layout:
    found = Layout.of(shown(profile))
    assert isinstance(found, Layout)
    return found


def history(profile: Profile, until: int, moved: float = 0.0) -> History:
    """500 rows in each hour of the nine days before ``until``."""
    rng, (signals, _) = np.random.default_rng(2), signals_of(profile)
    order = {signal.name: signal for signal in signals}
    layout, steps = layout_of(profile), {}
    for end in range(until - 9 * DAY, until + HOUR, HOUR):
        cells = np.zeros(sum(one.bins + len(GROUPS) for one in signals), dtype=np.int64)
        columns, score = rows_at(rng, end - rng.uniform(0, HOUR, 500), moved)
        Counter(signals, cells).count([(columns, score)])
        row: list[float] = []
        for signal in layout.signals:
            own = order[signal.name].cells(cells)
            row += [*np.cumsum(own[: len(signal.bins)]).tolist(), *own[len(signal.bins) :].tolist()]
        steps[end] = np.array([*row, 500.0])
    return History(layout, steps)


def look(known: History, at: int, windows: Sequence[int] = (HOUR, DAY, WEEK), **fields: Any) -> Evaluation:
    given = {
        "modelDeploymentRef": {"name": "churn"},
        "windowSeconds": list(windows),
        "signals": [
            {"name": "features", "kind": "Feature"},
            {"name": "prediction", "kind": "Prediction"},
            {"name": "accuracy", "kind": "EstimatedPerformance", "metric": "accuracy", "maxDrop": "0.02"},
        ],
        **fields,
    }
    spec, now = DriftPolicySpec.model_validate(given), "2026-01-01T00:00:00Z"
    ones = np.ones(len(known.layout.signals))
    return evaluate(spec, known, [], at=at, watched_since=at - 8 * DAY, dispersion=ones, now=now)


def moved(found: Evaluation) -> set[str]:
    return {one.name for one in found.signals if one.verdict == "Suspected"}


SUNDAY = MONDAY + WEEK - 3 * HOUR


def test_a_weekend_is_no_drift_where_the_profile_knows_it(profile: Profile) -> None:
    known = history(profile, SUNDAY)
    assert moved(look(known, SUNDAY)) == set()
    assert moved(look(known, SUNDAY, season="HourOfWeek")) == set()
    assert moved(look(known, SUNDAY, season="None")) == {"features/age", "prediction", "accuracy"}
    assert moved(look(known, SUNDAY, season="HourOfDay")) == {"features/age", "prediction", "accuracy"}


def test_a_change_on_top_of_the_rhythm_is_seen(profile: Profile) -> None:
    for at in (SUNDAY, MONDAY + 2 * DAY):
        for window in (HOUR, DAY):
            assert moved(look(history(profile, at, moved=0.9), at, [window])) == {"features/age"}, (at, window)


def test_what_a_weekday_would_be_on_a_sunday_is_seen(profile: Profile) -> None:
    """Whole weeks say nothing of that: the same people, on other days."""
    assert moved(look(history(profile, SUNDAY, moved=-0.5), SUNDAY, [DAY])) == {"features/age"}


def test_only_columns_that_follow_the_hours_are_counted_by_them(profile: Profile) -> None:
    rhythm = layout_of(profile).rhythm
    assert rhythm is not None
    names = [signal.name for signal in layout_of(profile).signals]
    assert [names[index] for index in rhythm.index] == ["feature:age", "prediction"]
    assert rhythm.counts.sum(axis=(0, 2)).tolist() == [ROWS, ROWS]


def test_without_times_nothing_changes() -> None:
    rng = np.random.default_rng(1)
    ages = rng.normal(size=1000)
    plain = build_profile({"age": ages})
    assert "hours" not in plain.to_json()
    assert layout_of(plain).rhythm is None
    short = build_profile({"age": ages}, time=MONDAY + rng.uniform(0, 5 * DAY, 1000))
    assert short == plain, "less than a week says nothing of a week"


def test_parts_count_as_much_as_their_rows() -> None:
    counts = np.array([[[90.0, 10.0]], [[50.0, 150.0]]])  # [P, S, K]
    even = mixture(counts, np.array([[300.0], [300.0]]))
    assert even[0] / even.sum() == pytest.approx([0.575, 0.425])
    assert even.sum() == pytest.approx(600**2 / (300**2 / 100 + 300**2 / 200))
    assert mixture(counts, np.array([[7.0], [0.0]])) == pytest.approx(counts[0]), "one part is itself"
    as_trained = mixture(counts, np.array([[50.0], [100.0]]))
    assert as_trained == pytest.approx(counts.sum(axis=0)), "weighted as in training, it is the whole"
    unknown = mixture(np.array([[[0.0, 0.0]], [[50.0, 150.0]]]), np.array([[300.0], [300.0]]))
    assert unknown[0] == pytest.approx([50.0, 150.0])


@pytest.mark.parametrize("step", [DAY, HOUR // 2])
def test_steps_of_days_and_half_hours_find_their_parts(profile: Profile, step: int) -> None:
    layout = layout_of(profile)
    assert layout.rhythm is not None
    ends = list(range(MONDAY + 5 * DAY + step, MONDAY + 6 * DAY + 1, step))  # a Saturday
    rows = np.full((len(ends), 3), 48_000.0 / len(ends))
    reference = layout.reference()
    _, known = layout.rhythm.compared(reference, reference, rows, ends, step=step, daily=False)
    at = np.searchsorted(known[0].cumsum() / known[0].sum(), 0.5)
    assert known[0].sum() == pytest.approx(ROWS / 7, rel=0.05)
    assert known[1].sum() == ROWS, "no column that knows no hours"
    whole = layout.rhythm.counts[:, 0].sum(axis=0)
    assert known[0, : at + 1].sum() / known[0].sum() < whole[: at + 1].sum() / whole.sum(), "older than on other days"


@pytest.mark.parametrize(
    ("what", "label", "value"),
    [
        ("hours", "hours", "0 5 3"),
        ("hours", "hours", "1 2"),
        ("hours", "hours", "0 168"),
        ("hours", "hours", "zero"),
        ("rhythm", "counts", "1 2;3"),
        ("rhythm", "counts", "1 -2"),
        ("rhythm", "counts", "nan"),
        ("rhythm", "first", "one"),
        ("rhythm", "counts", " ".join(["1"] * 40)),
    ],
)
def test_pods_may_say_what_they_like(profile: Profile, what: str, label: str, value: str) -> None:
    told = [
        ({**labels, label: value} if labels["what"] == what else labels, points) for labels, points in shown(profile)
    ]
    found = Layout.of(told)
    assert isinstance(found, Problem)
    assert found.reason == "ProfileInvalid"


def test_a_group_that_nobody_counted(profile: Profile) -> None:
    told = [
        (labels, [(0.0, 99.0)] if labels["what"] == "rhythm_group" else points) for labels, points in shown(profile)
    ]
    found = Layout.of(told)
    assert isinstance(found, Problem)
    assert found.reason == "ProfileInvalid"
