"""The rule that the benchmark of drift calls ours is that of the operator: both see the same in the same hours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from rollmodel.api.driftpolicy import DriftPolicySpec
from rollmodel.evidence.core.arrays import Array
from rollmodel.evidence.drift.dispersion import learn
from rollmodel.plan.drift.evaluation.evaluate import evaluate
from rollmodel.plan.drift.evaluation.history import History
from rollmodel.plan.drift.profile.layout import Layout
from rollmodel.plan.drift.profile.signal import Key, Signal

from tests.bench.drift.others import drifted, rows_of
from tests.bench.drift.rules import RULES, Ours, raised
from tests.bench.drift.storm import Policy, storm
from tests.bench.drift.worlds import (
    CHANGES,
    FEATURES,
    NUMBER,
    NUMERIC,
    WEEK,
    WORLDS,
    Change,
    Counts,
    Month,
    World,
    month,
    rhythm,
)

HOUR, BEFORE = 3600, 169
#: 2026-01-05 00:00 UTC.
MONDAY = 1_767_571_200
KINDS = ("features", "quality", "quality")
SPEC = {
    "modelDeploymentRef": {"name": "m"},
    "windowSeconds": [HOUR, 6 * HOUR, 24 * HOUR, 168 * HOUR],
    "signals": [{"name": "features", "kind": "Feature"}, {"name": "quality", "kind": "Quality"}],
}


def history(data: Month, begin: int = 0) -> History:
    """The same counts as the operator keeps them, of hours from ``begin`` on."""
    layout = Layout("sha256:0", 10_000, tuple(_signals(data.reference)), rhythm=rhythm(data))
    cells = {}
    for hour in range(len(data.live.bins)):
        row = [np.concatenate([*_cells(data.live[hour : hour + 1], index)]) for index in range(FEATURES)]
        cells[begin + (hour + 1) * HOUR] = np.concatenate([*row, [0.0]])
    return History(layout, cells)


def _signals(reference: Counts) -> Iterator[Signal]:
    for index in range(FEATURES):
        name, numeric = f"feature:x{index:02}", index < NUMERIC
        kind, labels = ("le", [*range(11), np.inf]) if numeric else ("category", range(12))
        bins: tuple[Key, ...] = tuple((name, kind, str(label)) for label in labels)
        yield Signal(name, bins, tuple(reference.bins[index]), 0.0, 0.0, 10_000.0, 1.0 / FEATURES, numeric)


def _cells(hour: Counts, index: int) -> Iterator[Array]:
    bins = hour.bins[0, index]
    yield np.cumsum(bins) if index < NUMERIC else bins
    yield np.array([hour.missing[0, index], hour.unseen[0, index], hour.rows[0, index]])


@pytest.mark.parametrize("mode", ["Budget", "Anytime"])
@pytest.mark.parametrize("change", ["0.5 sd", "new category", "null flood"])
def test_ours_is_the_rule_of_the_operator(change: str, mode: str) -> None:
    rng = np.random.default_rng(5)
    data = month(rng, WORLDS["quiet"], rows=500, hours=BEFORE + 6, change=CHANGES[change], before=BEFORE)
    spec = DriftPolicySpec.model_validate({**SPEC, "season": "None", "falseAlarms": {"mode": mode}})
    seen, dispersion = Ours(anytime=mode == "Anytime").seen(data), learn(data.quiet.bins).dispersion
    kept, some = history(data), False
    for hour in (0, 30, BEFORE - 1, BEFORE, BEFORE + 2, BEFORE + 5):
        at = (hour + 1) * HOUR
        look = evaluate(spec, kept, [], at=at, watched_since=0.0, dispersion=dispersion, now="")
        theirs = {one.name for one in look.signals if one.verdict == "Suspected"}
        names = [f"features/x{i:02}" for i in range(FEATURES)]
        names += [f"quality/x{i:02}/{what}" for what in ("null", "unseen") for i in range(FEATURES)]
        mine = {names[test] for test in np.flatnonzero(seen[hour])}
        assert theirs == mine, hour
        some = some or bool(mine)
    assert some, "something is seen"


def test_ours_with_hours_of_the_week_is_the_rule_of_the_operator() -> None:
    """A weekend that is stronger than in training, so that something is seen on it."""
    data = month(np.random.default_rng(5), WORLDS["season of the week"], rows=500, hours=BEFORE + 6)
    begin, dispersion = MONDAY + len(data.quiet.bins) * HOUR, learn(data.quiet.bins).dispersion
    moved = replace(data, live=data.live[:], reference=data.reference)
    moved.live.bins[:, 0, -1] += 60.0 * (np.arange(BEFORE + 6) % WEEK >= 100)
    seen, kept, some = Ours(by_hours=True).seen(moved), history(moved, begin), False
    spec = DriftPolicySpec.model_validate(SPEC)
    for hour in (0, 30, 99, 102, 112, BEFORE + 1):
        at = begin + (hour + 1) * HOUR
        look = evaluate(spec, kept, [], at=at, watched_since=float(begin), dispersion=dispersion, now="")
        theirs = {one.name for one in look.signals if one.verdict == "Suspected"}
        mine = {f"features/x{test:02}" for test in np.flatnonzero(seen[hour])}
        assert theirs == mine, hour
        some = some or bool(mine)
    assert some, "something is seen"


def test_an_alarm_takes_three_looks_at_one_feature_and_is_over_after_six() -> None:
    seen = np.zeros((14, 2), dtype=bool)
    seen[[0, 2, 4], 0] = seen[[1, 3], 1] = True  # never one feature three times
    assert not raised(seen).any()
    seen[1:4, 0] = True
    assert np.flatnonzero(raised(seen)).tolist() == list(range(2, 10))


def test_an_hour_of_a_world_is_as_it_is_said() -> None:
    rng = np.random.default_rng(2)
    data = month(rng, World(repeat=5), rows=500, hours=100, change=Change(mean=0.5, missing=0.3), before=40)
    assert len(data.quiet.bins) == 30
    assert set(data.live.rows.ravel()) == {500.0}
    assert (data.live.bins % 5 == 0).all()
    assert data.live.missing[:40].sum() == 0
    assert data.live.missing[40:, NUMBER].mean() == pytest.approx(150, abs=10)
    assert data.live.missing[40:].sum(axis=0).argmax() == NUMBER
    for name, rule in RULES.items():
        assert "season" in name or rule(data).shape == (100,), "seasons need weeks"


def test_a_storm_has_a_training_in_each_pause() -> None:
    """A rule that always rings, with a day between two trainings and at most ten in 30 days."""
    ringing = Policy(lambda data: np.ones(len(data.live.bins), dtype=bool), cooldown=24, most=10, learns=3)
    outcome = storm(ringing, 1)
    assert (outcome.before, outcome.after) == (10, 10)
    assert storm(Policy(lambda data: np.zeros(len(data.live.bins), dtype=bool)), 1).delay == np.inf


def test_evidently_s_distances_are_those_of_scipy() -> None:
    """Rows that divide those of the reference are judged all at once, others one after the other."""
    rng = np.random.default_rng(4)
    reference = rows_of(rng, World(), hours=1, rows=2000)
    live = rows_of(rng, World(), hours=3, rows=500, change=Change(mean=0.3))
    at_once = drifted(reference, live)
    live.numbers[:, 0, 0] = np.nan  # no longer: one row is missing
    assert drifted(reference, live)[:, 1:].tolist() == at_once[:, 1:].tolist()
    assert at_once[:, NUMBER].all()
