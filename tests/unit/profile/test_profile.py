"""A profile says what a model was trained on, tells nobody apart, and is read strictly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.profile import FORMAT, Profile, ProfileError, build_profile, load_profile, read_profile
from rollmodel.profile.bins import LEVELS, count_bins, quantile_edges

RNG = np.random.default_rng(1)
ROWS = 4000


def table() -> dict[str, Any]:
    age = RNG.normal(40, 10, ROWS)
    age[:100] = np.nan
    colour = RNG.choice(["red", "green", "blue"], ROWS, p=[0.6, 0.39, 0.01]).astype(object)
    colour[:50] = None
    return {"age": age, "colour": colour, "loyal": RNG.random(ROWS) < 0.2, "one": np.ones(ROWS)}


def full() -> Profile:
    score = RNG.random(ROWS)
    return build_profile(table(), score=score, target=(RNG.random(ROWS) < score).astype(int), importance={"age": 3.0})


def test_bins_are_deciles_and_tails() -> None:
    age = full().features[0]
    assert age.kind == "numeric"
    assert len(age.counts) == 12
    assert age.nulls == 100
    assert sum(age.counts) == ROWS - 100
    shares = np.array(age.counts) / sum(age.counts)
    assert shares == pytest.approx([0.01, 0.09, *[0.1] * 8, 0.09, 0.01], abs=0.002)


def test_a_value_is_in_the_first_bin_whose_edge_is_at_least_as_large() -> None:
    values = np.array([-np.inf, 1.0, 1.5, 2.0, np.inf, np.nan])
    assert count_bins(values, [1.0, 2.0]).tolist() == [2, 2, 1]


@pytest.mark.parametrize(
    ("values", "edges"),
    [
        (np.repeat([12_345.0, 67_890.0], 500), [12_350.0]),
        (np.arange(1000) % 5 + 0.0, [0.0, 1.0, 2.0, 3.0]),
        (np.repeat([-0.12344, 0.5], 500), [-0.1234]),
        (np.full(1000, 3.3), []),
    ],
)
def test_edges_have_few_digits_and_part_what_differs(values: np.ndarray, edges: list[float]) -> None:
    """An edge in all its digits would be the value of somebody."""
    [column] = build_profile({"x": values}).features
    assert list(column.edges) == edges
    assert sum(column.counts) == 1000
    assert set(column.counts) <= {200, 500, 1000}


@settings(max_examples=30, deadline=None)
@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e6), st.integers(0, 1000))
def test_edges_are_next_to_the_quantiles_wherever_values_lie(middle: float, spread: float, seed: int) -> None:
    values = middle + spread * np.random.default_rng(seed).normal(size=2000)
    edges = quantile_edges(values)
    exact = np.quantile(values, LEVELS, method="lower")
    assert len(edges) == len(LEVELS) or spread < 1e-9 * abs(middle)
    if len(edges) == len(LEVELS):
        assert np.all(np.array(edges) >= exact - 1e-6 * spread)
        assert np.all(np.array(edges) <= exact + 0.011 * spread)
        assert sum(len(str(edge)) for edge in edges) < 22 * len(edges)


def test_categories_truth_values_and_constants() -> None:
    _, colour, loyal, one = full().features
    assert colour.categories == ("red", "green", "blue")
    assert colour.nulls == 50
    assert len(loyal.counts) == 2
    assert one.counts == (ROWS,)
    assert one.low == one.high == 1.0


def test_a_score_with_labels_is_calibrated() -> None:
    score = full().score
    assert score is not None
    assert score.positives is not None
    assert score.threshold == 0.5
    assert 0.5 in score.column.edges
    high = [p / n for p, n, edge in zip(score.positives, score.column.counts, (*score.column.edges, 2.0), strict=True)]
    assert high[0] < 0.2
    assert high[-1] > 0.8


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.one_of(st.floats(-5, 5), st.integers(0, 3).map(float)), min_size=20, max_size=200),
    st.integers(2, 20),
)
def test_no_small_group_is_told_apart(values: list[float], smallest: int) -> None:
    profile = build_profile({"x": values, "c": [f"c{round(v)}" for v in values]}, minimum_group=smallest)
    x, c = profile.features
    assert all(count >= smallest for count in x.counts)
    assert all(count >= smallest for count in c.counts[:-1])
    assert c.counts[-1] == 0 or c.counts[-1] >= smallest or len(c.categories) <= 1
    middle = sorted(values)[len(values) // 2]
    assert x.low is None or sum(value <= (x.low + middle) / 2 + 1e-9 for value in values) >= smallest
    assert x.high is None or sum(value >= (x.high + middle) / 2 - 1e-9 for value in values) >= smallest


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=20, max_size=60))
def test_what_is_written_is_read(values: list[float]) -> None:
    profile = build_profile({"x": values, "y": [str(value)[:1] for value in values]}, score=values)
    assert read_profile(profile.to_json()) == profile


def test_the_file_is_small_and_its_digest_is_stable(tmp_path: Path) -> None:
    columns = {f"feature_{i}": RNG.normal(size=ROWS) for i in range(30)}
    profile = build_profile(columns)
    (tmp_path / "profile.json").write_text(profile.to_json(), encoding="utf-8")
    loaded = load_profile(tmp_path)
    assert loaded == profile
    assert loaded is not None
    assert loaded.digest == profile.digest
    assert len(profile.to_json()) < 15_000
    assert load_profile(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    ("change", "reason", "says"),
    [
        ({"format": "rollmodel-profile/2"}, "ProfileVersion", f"reads '{FORMAT}' only"),
        ({"format": None}, "ProfileVersion", "None"),
        ({"rows": 5}, "ProfileInvalid", "must add up to 5 rows"),
        ({"rows": -1}, "ProfileInvalid", "not a count"),
        ({"features": []}, "ProfileInvalid", "1 to 1000 features"),
        ({"features": [{}]}, "ProfileInvalid", "'name'"),
        ({"minimumGroup": 3}, "ProfileDigest", "not edited by hand"),
        ({"digest": "sha256:0"}, "ProfileDigest", "not edited by hand"),
    ],
)
def test_what_is_no_profile_is_refused_by_name(change: dict[str, Any], reason: str, says: str) -> None:
    content = json.loads(full().to_json()) | change
    with pytest.raises(ProfileError, match=says) as refused:
        read_profile(json.dumps(content))
    assert refused.value.reason == reason


@pytest.mark.parametrize("field", ["edges", "counts", "nulls", "kind", "importance", "name"])
def test_no_part_of_a_column_may_be_odd(field: str) -> None:
    content = json.loads(full().to_json())
    content["features"][0][field] = [3.0, 1.0] if field in {"edges", "counts"} else -1.5
    with pytest.raises(ProfileError):
        read_profile(json.dumps(content))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"features": {}}, "at least one feature"),
        ({"features": {"x": [1.0] * 5}}, "at least 20 rows"),
        ({"features": {"x": [1.0] * 30, "y": [1.0] * 31}}, "same number of rows"),
        ({"features": {"x": np.ones((30, 2))}}, "one value for each row"),
        ({"features": {"x": [1.0] * 30}, "importance": {"z": 1.0}}, "'z', which is no feature"),
        ({"features": {"x": [1.0] * 30}, "importance": {"x": -1.0}}, "at least 0"),
        (
            {"features": {"x": [1.0] * 100}, "score": np.linspace(0, 1, 100), "target": [3] * 100},
            "`target` must be 0 or 1",
        ),
    ],
)
def test_what_cannot_be_profiled_is_told(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ProfileError, match=says):
        build_profile(**given)
