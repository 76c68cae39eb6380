"""The test keeps its level and sees what it should; PSI is corrected for the number of rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.evidence.drift.compare import compare, merge_bins
from rollmodel.evidence.drift.dispersion import learn
from scipy import stats

BINS = np.array([0.01, 0.09, *[0.1] * 8, 0.09, 0.01])
SHIFTED = np.diff([0.0, *stats.norm.cdf(stats.norm.ppf(np.cumsum(BINS)[:-1]) - 0.5), 1.0])


def counts(rng: np.random.Generator, rows: int, *shape: int, share: np.ndarray = BINS, repeat: int = 1) -> np.ndarray:
    return repeat * rng.multinomial(rows // repeat, share, size=shape).astype(float)


def test_the_statistic_is_that_of_a_contingency_table() -> None:
    rng = np.random.default_rng(1)
    reference, live = counts(rng, 10_000, 1), counts(rng, 3000, 1)
    expected = stats.chi2_contingency(np.vstack([reference[0], live[0]]), correction=False)
    found = compare(reference, live, least=1.0)
    assert found.log10_p[0] == pytest.approx(math.log10(expected.pvalue), rel=1e-6)
    assert found.freedom[0] == 11


def test_psi_is_unbiased_without_a_change_and_right_with_one() -> None:
    rng = np.random.default_rng(2)
    same = compare(counts(rng, 10_000, 400), counts(rng, 500, 400))
    moved = compare(counts(rng, 10_000, 400), counts(rng, 500, 400, share=SHIFTED))
    assert abs(same.corrected_psi.mean()) < 0.002
    assert same.psi.mean() > 0.01
    assert 0.2 < moved.corrected_psi.mean() < 0.3  # a normal that moves by d has d squared


@pytest.mark.parametrize("rows", [150, 500, 20_000])
def test_the_level_is_kept(rows: int) -> None:
    rng = np.random.default_rng(3)
    found = compare(counts(rng, 10_000, 4000), counts(rng, rows, 4000))
    assert (found.log10_p < math.log10(0.05)).mean() == pytest.approx(0.05, abs=0.012)
    assert (found.log10_p < -3).mean() < 0.003


def test_rows_that_depend_are_worth_less_and_the_dispersion_says_so() -> None:
    """Each row five times, as of one user: without the dispersion nearly everything is seen as drift."""
    rng = np.random.default_rng(4)
    learnt = learn(counts(rng, 1000, 30, 20, repeat=5))
    assert learnt.dispersion == pytest.approx(np.full(20, 5.0), rel=0.25)
    assert learnt.calibrated
    reference, live = counts(rng, 20_000, 20), counts(rng, 1000, 300, 20, repeat=5)
    naive = compare(reference, live).log10_p.min(axis=1) < math.log10(0.05 / 20)
    ours = compare(reference, live, dispersion=learnt.dispersion, quiet_windows=30).log10_p.min(axis=1) < math.log10(
        0.05 / 20
    )
    assert naive.mean() > 0.9
    assert ours.mean() < 0.1


def test_windows_that_are_not_quiet_are_told() -> None:
    rng = np.random.default_rng(5)
    quiet = counts(rng, 1000, 30, 10)
    quiet[::3] = counts(rng, 1000, 10, 10, share=SHIFTED)
    learnt = learn(quiet)
    assert learnt.dispersion.min() > 3.0  # then it sees less, and raises no alarm for that
    wild = counts(rng, 1000, 40, 100)
    wild[range(15), range(15)] = counts(rng, 1000, 15, share=SHIFTED)  # each in another signal: no dispersion fits
    assert not learn(wild).calibrated


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=12), st.integers(1, 3000), st.integers(1, 50))
def test_no_group_expects_fewer_than_it_must(reference: list[int], rows: int, least: int) -> None:
    share = np.array([reference], dtype=float) / max(1, sum(reference))
    group = merge_bins(share, np.array([float(rows)]), float(least))[0]
    assert group[0] == 0
    assert set(np.diff(group)) <= {0, 1}
    expected = np.bincount(group, weights=rows * share[0])
    assert len(expected) == 1 or expected.min() >= least - 1e-9


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=8))
def test_any_counts_give_finite_numbers(pairs: list[tuple[int, int]]) -> None:
    reference, live = (np.array([[float(pair[side]) for pair in pairs]]) for side in (0, 1))
    for quiet in (math.inf, 30.0):
        found = compare(reference, live, quiet_windows=quiet)
        assert np.isfinite([found.log10_p, found.psi, found.corrected_psi]).all()
        assert (found.log10_p <= 0.0).all()
    if not live.sum() or not reference.sum():
        assert found.freedom[0] == 0
        assert found.log10_p[0] == 0.0
