"""Bins of two revisions with edges of their own: no alarm beyond the level, and a clear change is seen."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.evidence.core.arrays import Array, array
from rollmodel.evidence.drift.brackets import compare_brackets
from rollmodel.evidence.drift.quality import log10_p_above


def counted(values: Array, edges: Array) -> Array:
    inside = np.searchsorted(edges, values, side="left")
    return array(np.bincount(inside, minlength=len(edges) + 1).astype(np.float64))


def edges(rng: np.random.Generator) -> Array:
    return array(np.quantile(rng.normal(size=2000), [0.01, *np.arange(0.1, 1.0, 0.1), 0.99]))


def test_one_world_is_one_world_whatever_the_edges() -> None:
    rng, alarms = np.random.default_rng(3), 0
    for _ in range(400):
        ours, theirs = edges(rng), edges(rng)
        live, other = counted(rng.normal(size=500), ours), counted(rng.normal(size=3000), theirs)
        alarms += compare_brackets(live, ours, other, theirs).log10_p < np.log10(0.05)
    assert alarms <= 20


def test_a_clear_change_is_seen_in_both_directions() -> None:
    rng = np.random.default_rng(4)
    for by in (-0.7, 0.7):
        ours, theirs = edges(rng), edges(rng) + 0.1
        live, other = counted(rng.normal(by, 1.0, 1000), ours), counted(rng.normal(size=5000), theirs)
        found = compare_brackets(live, ours, other, theirs)
        assert found.log10_p < -7
        assert 0.05 < found.corrected_psi < 0.5, "the PSI of this shift is 0.49"


def test_nothing_to_compare_says_nothing() -> None:
    none = np.zeros(0)
    assert compare_brackets(np.array([5.0]), none, np.array([7.0]), none).log10_p == 0.0
    assert compare_brackets(np.zeros(3), np.array([1.0, 2.0]), np.ones(2), np.array([1.5])).log10_p == 0.0


@settings(max_examples=15, deadline=None)
@given(st.floats(0.001, 0.9), st.integers(20, 400), st.integers(20, 400), st.integers(0, 10_000))
def test_a_share_of_others_is_seen_to_be_lower_no_more_often_than_said(q: float, n: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    live, other = rng.binomial(n, q, 4000), rng.binomial(m, q, 4000)
    log10_p = log10_p_above(live, n, other, m)
    for level in (0.2, 0.05, 0.01):
        assert (log10_p <= np.log10(level)).mean() <= level
