"""Numbers of pairs: what counts as their difference, and what the candidate's pod adds up."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry
from rollmodel.serving.pairs.answers import Answers, RowsOfRule, differences
from rollmodel.serving.pairs.config import VARIABLE, Rule, configured
from rollmodel.serving.pairs.metrics import PairMetrics

MEAN = Rule("meanUpTo=0.5", mean_up_to=0.5)


@pytest.mark.parametrize(
    ("ours", "theirs", "differ"),
    [
        ((0.3, 0.3), (0.2, 0.4), [0.2, -0.2]),
        ((5.0, -5.0), (0.0, 0.0), [1.0, -1.0]),
        (("nan",), ("nan",), [0.0]),
        (("nan", 0.1), (0.1, "cat"), [1.0, 1.0]),
        ((0.1,), (0.1, 0.1), [1.0]),
        ((), (0.1,), [1.0]),
    ],
)
def test_differences_are_parts_of_the_largest(ours: Answers, theirs: Answers, differ: Sequence[float]) -> None:
    assert differences(0.5, ours, theirs) == pytest.approx(differ)


def counted(*pairs: tuple[Answers, Answers], rows: RowsOfRule | None = None) -> list[float | None]:
    """Pairs, sums up and down, and squares."""
    registry = CollectorRegistry()
    metrics = PairMetrics([MEAN], registry)
    for ours, theirs in pairs:
        metrics.count(ours, theirs, [rows or RowsOfRule()])

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"rollmodel_server_pairs{name}_total", {"rule": MEAN.name, **labels})

    assert value("_differing") is None, "no share of them is counted"
    sums = [value("_mean_difference", sign=sign) for sign in ("positive", "negative")]
    return [value(""), *sums, value("_mean_squares")]


def test_a_request_counts_by_the_mean_of_its_rows() -> None:
    assert counted() == [0, 0, 0, 0], "the first one must be an increase"
    assert counted(((0.3, 0.5), (0.2, 0.2))) == pytest.approx([1, 0.4, 0, 0.16])
    both = counted(((0.3,), (0.2,)), ((0.1,), (0.3,)))
    assert both == pytest.approx([2, 0.2, 0.4, 0.04 + 0.16])


def test_rows_of_a_slice_count_alone() -> None:
    pair = ((0.3, 9.0), (0.2, 0.2))
    assert counted(pair, rows=RowsOfRule(chosen=[True, False])) == pytest.approx([1, 0.2, 0, 0.04])
    assert counted(pair, rows=RowsOfRule(chosen=[False, False])) == [0, 0, 0, 0]


def test_the_variable_says_the_largest_difference() -> None:
    rule = {"name": MEAN.name, "meanUpTo": "0.5"}
    content = {"service": "churn-pairs", "port": 8080, "revision": "new", "rules": [rule]}
    config = configured({VARIABLE: json.dumps(content)})
    assert config is not None
    assert config.rules == (MEAN,)
