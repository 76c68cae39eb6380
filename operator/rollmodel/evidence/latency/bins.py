"""How a latency metric is judged, frozen over the stable arm's past: edges, bins, alternatives and gates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rollmodel.evidence.core.arrays import Array, array
from rollmodel.evidence.core.evalue import Margin, from_odds, margin, odds
from rollmodel.evidence.core.mixture import Mixture
from rollmodel.evidence.latency.curve import Curve, chosen_edges, curve, part_above
from rollmodel.evidence.levels import Levels
from rollmodel.evidence.noise.dispersion import Prior

__all__ = ["EVEN", "SAFE_KAPPA", "LatencyConfig", "configure"]

SHIFTS = array([1.03, 1.07, 1.15, 1.40])
#: Heavier tails: the odds of this many top survivals times this.
TAILS = ((2, 1.5), (1, 2.5))
HARM_WEIGHTS = array([0.175, 0.175, 0.175, 0.125, 0.175, 0.175])
SAFE_KAPPA = array([0.9, 0.8, 0.667, 0.5, 0.3])
#: An edge can gate if the margin changes its odds by this at least ...
GATING = 0.95
#: ... and if at least this share of the stable requests is slower than the moved edge.
LEAST_GATE = 0.005
LEAST_SHARE = 1e-6
EVEN = margin(1.0)


@dataclass(frozen=True, slots=True)
class LatencyConfig:
    """Frozen for a rollout. B buckets, K bins, G gating edges; the same for the whole batch, but ``prior`` [..., 2].

    ``bins_a`` and ``bins_b`` [B, K] sort buckets into bins, ``above_a`` [K, G] adds up bins above gating edges,
    ``above_b`` [B, G] buckets above the edges moved by the safe margin. ``tilt`` [6, K] are the t_b, ``shares`` [K] the
    stable shares.
    """

    edges: Array
    gates: Array
    bins_a: Array
    bins_b: Array
    above_a: Array
    above_b: Array
    shares: Array
    tilt: Array
    guess: Array
    harm_level: Array
    safe_level: Array
    harm: Mixture
    safe: Mixture
    prior: Prior
    merge: Array
    teach: Array


def configure(edges: ArrayLike, counts: ArrayLike, *, harm: Margin, safe: Margin, levels: Levels) -> LatencyConfig:
    """Freeze edges, bins and alternatives over the stable arm's histogram of the past.

    edges: the finite positive bucket bounds [B]; counts: requests per bucket [B + 1]. harm, safe: lines in time, the
    absolute part in seconds. levels: of one metric, shape (). The latency counts as free of noise until
    :mod:`rollmodel.evidence.noise.latency_noise` says otherwise.
    """
    edges, stable = array(edges), curve(edges, counts)
    chosen = edges[chosen_edges(edges, stable)]
    gates = _gates(chosen, stable, safe)
    bins_a, bins_b = (_bins(part_above(edges, stable, _moved(chosen, line))) for line in (EVEN, harm))
    shares, tilt = _alternatives(chosen, stable, harm)
    return LatencyConfig(
        edges=chosen,
        gates=gates,
        bins_a=bins_a,
        bins_b=bins_b,
        above_a=np.where(np.concatenate([[0.0], chosen])[:, None] >= gates, 1.0, 0.0),
        above_b=part_above(edges, stable, _moved(gates, safe)),
        shares=shares,
        tilt=tilt,
        guess=stable.survival(_moved(gates, safe)),
        harm_level=levels.harm,
        safe_level=levels.safe,
        harm=levels.against_harm(HARM_WEIGHTS),
        safe=levels.for_safety(np.full((len(gates), len(SAFE_KAPPA)), 1.0 / len(SAFE_KAPPA))),
        prior=Prior(np.ones(2), np.zeros(2), np.full(2, 360.0)),
        merge=array(1.0),
        teach=array(0.0),
    )


def _moved(edges: Array, line: Margin) -> Array:
    """Times of the stable arm that the line takes to these edges."""
    return (edges - line.absolute) / line.ratio


def _bins(above: Array) -> Array:
    """From the part above each edge to the part in each bin, [B, K]."""
    ones, zeros = np.ones((len(above), 1)), np.zeros((len(above), 1))
    return -np.diff(np.hstack([ones, above, zeros]), axis=1)


def _gates(edges: Array, stable: Curve, safe: Margin) -> Array:
    """The edges at which an equal candidate can be proven safe; the best one where there is none."""
    here, moved = stable.survival(edges), stable.survival(_moved(edges, safe))
    kappa = odds(here) / odds(np.minimum(moved, 1.0 - LEAST_SHARE))
    gating = (kappa <= GATING) & (moved >= LEAST_GATE)
    return edges[gating] if gating.any() else edges[[kappa.argmin()]]


def _alternatives(edges: Array, stable: Curve, harm: Margin) -> tuple[Array, Array]:
    """Shares of the bins on the line [K], and how each alternative changes them [6, K], non-decreasing."""
    survival = stable.survival(_moved(edges, harm))
    shares = np.maximum(_differences(survival), LEAST_SHARE)
    worse = [stable.survival(_moved(edges / shift, harm)) for shift in SHIFTS]
    for top, times in TAILS:
        heavier = survival.copy()
        heavier[-top:] = from_odds(times * odds(heavier[-top:]))
        worse.append(heavier)
    factor = np.maximum.accumulate(np.maximum(_differences(array(worse)) / shares, LEAST_SHARE), axis=-1)
    return shares, factor / (factor * shares).sum(axis=-1, keepdims=True)


def _differences(survival: Array) -> Array:
    """Shares of the bins from the survival at their edges, along the last axis."""
    ends = np.ones((*survival.shape[:-1], 1))
    return -np.diff(np.concatenate([ends, survival, 0.0 * ends], axis=-1), axis=-1)
