"""Two samples of numbers that were counted into bins with different edges: what can be said nevertheless.

Rows below an edge of one are at least those below the next lower edge of the other, and at most those below the next
higher one. So only a share outside of these brackets is a change; it is at least as large as its distance to them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rollmodel.evidence.core.arrays import Array, array
from rollmodel.evidence.drift.quality import log10_p_above

__all__ = ["Bracketed", "compare_brackets"]


@dataclass(frozen=True, slots=True)
class Bracketed:
    """The surest change at any edge, and the PSI that it has at least, corrected for chance."""

    log10_p: float
    corrected_psi: float


def compare_brackets(
    live: Array, live_edges: Array, reference: Array, reference_edges: Array, dispersion: float = 1.0
) -> Bracketed:
    """Compare counts ``live`` [E + 1] with ``reference`` [F + 1]; edges ascend, and the last bin has none.

    Every edge of both is tested in both directions, and they share the risk (Bonferroni). A PSI of two bins is at most
    that of all bins, since merging takes from it.
    """
    n, m = float(live.sum()), float(reference.sum())
    tests = 2 * (len(live_edges) + len(reference_edges))
    if not tests or n <= 0.0 or m <= 0.0:
        return Bracketed(0.0, 0.0)
    parts = [
        *_outside(live, live_edges, reference, reference_edges, dispersion),
        *_outside(reference, reference_edges, live, live_edges, dispersion),
    ]
    log10_p = np.concatenate([one[0] for one in parts])
    psi = np.concatenate([one[1] for one in parts])
    surest = int(np.argmin(log10_p))
    found = min(0.0, float(log10_p[surest]) + math.log10(tests))
    return Bracketed(found, max(0.0, float(psi[surest]) - dispersion * (1.0 / n + 1.0 / m)))


def _outside(
    counts: Array, edges: Array, others: Array, other_edges: Array, dispersion: float
) -> list[tuple[Array, Array]]:
    """At each edge: how unlikely it is outside of its bracket, and the PSI of the two sides. Above, then below."""
    n, m = counts.sum(), others.sum()
    below = np.cumsum(counts)[: len(edges)]
    known = np.concatenate([[0.0], np.cumsum(others)])  # at -inf, at each edge, at +inf
    lower = known[np.searchsorted(other_edges, edges, side="right")]
    upper = np.append(np.cumsum(others)[: len(other_edges)], m)[np.searchsorted(other_edges, edges, side="left")]
    above = log10_p_above(below, n, upper, m, dispersion), _psi_of_two(below / n, upper / m)
    under = log10_p_above(n - below, n, m - lower, m, dispersion), _psi_of_two(below / n, lower / m)
    return [above, under]


def _psi_of_two(p: Array, q: Array) -> Array:
    p, q = np.clip(p, 1e-4, 1.0 - 1e-4), np.clip(q, 1e-4, 1.0 - 1e-4)
    return array((p - q) * (np.log(p / q) - np.log((1.0 - p) / (1.0 - q))))
