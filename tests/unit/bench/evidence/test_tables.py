"""Records, targets, tables and the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.bench.evidence import store
from tests.bench.evidence.pages import page
from tests.bench.evidence.pages.markdown import chance, seconds, table, times
from tests.bench.evidence.pages.targets import misses, risk, slower, too_slow
from tests.bench.evidence.records import Record, measure
from tests.bench.evidence.rules.rivals import Verdicts
from tests.bench.evidence.setup import Size
from tests.bench.evidence.suites import detection, false_alarms, promotion
from tests.bench.evidence.worlds import Counts, World

WORLD = World(5, 95, 0.005, 2.0)


def record(world: World = WORLD, rollback: tuple[float, ...] = (400.0, np.inf), oracle: float = 329.0) -> Record:
    """Runs of 100 ticks with 50 requests each on the canary."""
    n = np.full((len(rollback), 100), 50.0)
    verdicts = Verdicts(np.array(rollback), np.full(len(rollback), np.inf))
    return measure("B2", "Rollmodel", world, Counts(n, 0 * n, n, 0 * n), verdicts, oracle=oracle)


def test_a_record_counts_all_runs() -> None:
    found = record(rollback=(400.0, 600.0, np.inf, np.inf))
    assert found.rollback == 0.5
    assert found.rollback_seconds == 600.0
    assert found.exposed == (40 * 50 + 60 * 50 + 2 * 100 * 50) / 4
    assert found.place == "5 vs 95 rps, 0.5 %, poisson"


def test_time_and_exposure_count_from_the_onset() -> None:
    found = record(replace(WORLD, onset=200.0), rollback=(400.0, 400.0))
    assert found.rollback_seconds == 200.0
    assert found.exposed == 20 * 50


@pytest.mark.parametrize(
    ("delay", "oracle", "rps", "expected"),
    [
        (900.0, 329.0, 5.0, False),
        (1000.0, 329.0, 5.0, True),
        (1000.0, 329.0, 1.0, False),
        (30.0, 3.2, 50.0, False),
        (40.0, 3.2, 50.0, True),
    ],
)
def test_three_times_the_oracle_in_whole_ticks(delay: float, oracle: float, rps: float, expected: bool) -> None:
    assert too_slow(record(replace(WORLD, canary_rps=rps), rollback=(delay, delay), oracle=oracle)) is expected


def test_slower_than_expected_allows_for_chance_and_a_tick() -> None:
    assert not slower(439, 430, 1.0)
    assert not slower(459, 430, 15.0)
    assert slower(461, 430, 15.0)


def test_misses_are_listed_in_words() -> None:
    healthy = record(replace(WORLD, ratio=1.0), rollback=(*[np.inf] * 9, 10.0))
    late = record(rollback=(2000.0,) * 3)
    assert misses([healthy, late, record(rollback=(400.0,) * 3)]) == [
        "B2, 5 vs 95 rps, 0.5 %, poisson: false rollback 0.10 ± 0.095",
        "B2, 5 vs 95 rps, 0.5 %, poisson: x2 found after 2,000 s, oracle 329 s",
    ]
    assert misses([replace(healthy, rule="Argo Rollouts")]) == []


def test_figures() -> None:
    assert [chance(0.0123), chance(0.5), chance(1.0)] == ["0.012", "0.50", "1.00"]
    assert [risk(0.05, 0.05), risk(0.051, 0.05)] == ["0.050", "0.051 (!)"]
    assert [seconds(None), seconds(1234.0)] == ["–", "1,234 s"]  # noqa: RUF001
    assert [times(1.234), times(12.3)] == ["x1.23", "x12"]
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n|---|---:|\n| 1 | 2 |\n"


def test_records_survive_the_disk(tmp_path: Path) -> None:
    store.save(tmp_path, "B2", [record(), record(rollback=(1.0,))])
    assert store.load(tmp_path, ["B1", "B2"]) == [record(), record(rollback=(1.0,))]


@pytest.mark.slow
def test_the_page_is_whole_with_the_first_cells_only(tmp_path: Path) -> None:
    size = Size(runs=20, rival_runs=10, kayenta_runs=1, every=100_000, grid_every=100_000)
    records = [*false_alarms.grid(size), *detection.run(size), *promotion.run(size)]
    page.write(tmp_path, records, size, "")
    text = (tmp_path / page.NAME).read_text(encoding="utf-8")
    assert "{{" not in text
    assert "| 1 vs 99 rps, 0.1 % |" in text
    assert "20 ours, 10 of the rivals, 1 of Kayenta" in text
    drawn = {path.name for path in (tmp_path / "plots").iterdir()}
    assert drawn == {"false-rollbacks.svg", "delays.svg", "paths.svg"}
    assert "spinnaker#6278" in text
