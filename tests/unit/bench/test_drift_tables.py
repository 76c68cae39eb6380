"""Tables of the benchmark of drift: intervals, limits that are as quiet as ours, and the page as a whole."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.bench.drift import pages, rates
from tests.bench.drift.cells import CELLS
from tests.bench.drift.evidently import DEFAULTS, counted
from tests.bench.drift.months import FREE, in_a_row, rises
from tests.bench.drift.others import rows_of
from tests.bench.drift.rules import RULES, STATISTICS
from tests.bench.drift.storm import POLICIES
from tests.bench.drift.worlds import CHANGES, FEATURES, NUMBER, NUMERIC, World


def test_intervals_are_those_of_the_books() -> None:
    assert rates.wilson(0, 100) == pytest.approx((0.0, 0.0370), abs=1e-4)
    assert rates.wilson(5, 100) == pytest.approx((0.0215, 0.1118), abs=1e-4)
    assert rates.poisson(0, 1) == pytest.approx((0.0, 3.689), abs=1e-3)
    assert rates.poisson(10, 2) == pytest.approx((4.795 / 2, 18.39 / 2), abs=1e-2)
    assert rates.median([1.0, 2.0, math.inf]) == (2.0, 1.0, math.inf)
    middle, low, high = rates.median([float(one) for one in range(1, 101)])
    assert (middle, low, high) == (51.0, 40.0, 61.0)


def test_a_limit_lets_as_many_months_ring_as_ours_and_no_more() -> None:
    highest = [3.0, 1.0, 2.0, 5.0]
    for months in range(4):
        limit = rates.limit_for(highest, months)
        assert sum(one > limit for one in highest) == months
    assert rates.limit_for(highest, 4) == -math.inf


def test_the_first_hour_above_a_limit_is_that_of_the_values() -> None:
    values = np.array([0.5, 0.2, 0.7, 0.7, 0.1, 2.0])
    for limit in (0.0, 0.5, 0.6, 0.7, 1.0, 3.0):
        above = np.flatnonzero(values > limit)
        assert rates.reached(rises(values), limit) == (above[0] + 1 if len(above) else math.inf)


def test_in_a_row_is_of_one_feature() -> None:
    statistic = np.array([[3.0, 0.0], [0.0, 3.0], [3.0, 2.0], [0.0, 1.0]])
    assert in_a_row(statistic, 1).tolist() == [3.0, 3.0, 3.0, 1.0]
    assert in_a_row(statistic, 3).tolist() == [0.0, 0.0, 0.0, 1.0]


def test_rows_are_counted_into_the_bins_of_the_profile() -> None:
    rng = np.random.default_rng(1)
    change = CHANGES["null flood"]
    rows = rows_of(rng, World(), hours=3, rows=400, change=change)
    edges = np.tile(np.array([-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0]), (NUMERIC, 1))
    found = counted(rows, edges)
    assert (found.rows == 400.0).all()
    assert found.bins[0, 0, 0] == (rows.numbers[0, 0] <= -1.0).sum()
    assert found.bins[2, 3, 2] == ((rows.numbers[2, 3] > 0.0) & (rows.numbers[2, 3] <= 0.5)).sum()
    assert found.missing.sum() == found.missing[:, NUMBER].sum() == np.isnan(rows.numbers).sum()
    assert found.bins[1, FEATURES - 1, 2] == (rows.codes[1, -1] == 2).sum()


def test_the_page_has_all_rules_and_says_who_is_sooner() -> None:
    """Ours never rings for nothing and takes 3 hours; a PSI is 0.4 in a quiet month, and reaches 0.3, then 0.5."""
    rules = {**RULES, **FREE}
    keys = [f"{looks} {name}" for name in STATISTICS for looks in (1, 3)]

    def quiet(seed: int) -> dict[str, Any]:
        highest = dict.fromkeys([*keys, "1 distance", "3 distance"], 0.4 if seed == 4 else 0.2)
        return {"rules": dict.fromkeys([*rules, *DEFAULTS], (0, 0)), "highest": highest}

    late = {"rules": dict.fromkeys([*rules, *DEFAULTS], 3.0)}
    changed = {**late, "rises": {key: [(1, 0.3), (2, 0.5)] for key in [*keys, "1 distance", "3 distance"]}}
    cells: dict[str, list[Any]] = {}
    for name in CELLS:
        if name == "storm":
            cells[name] = [{policy: {"before": 0, "after": 1, "delay": 4.0} for policy in POLICIES}]
        else:
            cells[name] = [
                quiet(seed) if "quiet/" in name[:11] and "change" not in name else changed for seed in range(10)
            ]
    text = pages.render(cells)
    assert all(f"| {name} |" in text for name in (*RULES, *DEFAULTS, *POLICIES))
    assert "| PSI of 1 h > 0.4 | 2 (100%, 0%) |" in text
    assert "| distance > 0.4 | 2 (100%, 0%) |" in text
    assert "0% [0.0%, 27.8%]" in text
