"""The guard of a cold start for latency: slowness so large that neither the curve nor the noise has to be known.

The guard of shares (``counts.cold_start``) judges "slower than an edge" as what is bad. Each window's edges follow from
the windows before it: the stable arm's is the first that leaves few of its requests above, the candidate's the first
that lies as far beyond it as is tolerated, and at least 1.5 times as far. A candidate within the tolerance is above its
edge no more often than stable is above its own, so nothing between edges has to be guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rollmodel.evidence import glaring
from rollmodel.evidence.core.arrays import Array, Mask
from rollmodel.evidence.core.evalue import Margin, Pair, Tick, margin
from rollmodel.evidence.core.mixture import Mixture, Wealth
from rollmodel.evidence.counts import cold_start as shares

__all__ = ["Guard", "absent", "begin", "edges_above", "in_use", "update"]

#: Of stable's requests at most so many are above its edge; where no edge is so far out, and another may do, this many.
FEW, MOST = 0.05, 0.5
EQUAL = margin(1.0)


@dataclass(frozen=True, slots=True)
class Guard:
    """Wealth, and what it has seen, shape [...]: requests of both arms, and those above the edges of their windows."""

    wealth: Wealth
    na: Array
    ka: Array
    nb: Array
    kb: Array


class Edges(NamedTuple):
    """Indices [...] of the candidate's and the stable arm's edge, and the share of stable above its own.

    ``usable``: whether there are such edges.
    """

    a: NDArray[np.intp]
    b: NDArray[np.intp]
    guess: Array
    usable: Mask


def begin(made: Mixture, shape: tuple[int, ...] = ()) -> Guard:
    """The guard before the first window."""
    zero = np.zeros(shape)
    wealth = glaring.begin(made, np.ones(shape))
    return Guard(
        Wealth(np.broadcast_to(wealth.log, (*shape, wealth.log.shape[-1])), wealth.reserve), zero, zero, zero, zero
    )


def absent(guard: Guard) -> Guard:
    """No guard: what a rollout has that began without one."""
    zero = np.zeros_like(guard.na)
    return Guard(glaring.absent(guard.wealth), zero, zero, zero, zero)


def in_use(guard: Guard) -> bool:
    """Whether there is anything to remember of it."""
    return glaring.in_use(guard.wealth)


def edges_above(edges: Array, stable: Array, harm: Margin) -> Edges:
    """The edges that the next window is judged at.

    edges: positive bounds [B]; stable: requests per bucket before that window, [..., B + 1]; harm: what is tolerated.
    """
    ratio = np.maximum(harm.ratio, glaring.RATIO)
    partner = np.searchsorted(edges, (ratio * edges + harm.absolute) * (1.0 - 1e-9))
    total = stable.sum(axis=-1, keepdims=True)
    above = (total - np.cumsum(stable, axis=-1)[..., :-1] + 0.5) / (total + 1.0)
    paired = partner < len(edges)
    few = paired & (above <= FEW)
    last = max(int(paired.sum()) - 1, 0)
    b = np.where(few.any(axis=-1), few.argmax(axis=-1), last)
    guess = np.take_along_axis(above, b[..., None], axis=-1)[..., 0]
    usable = np.asarray(paired.any() & (total[..., 0] > 0) & (guess <= MOST))
    return Edges(np.minimum(partner, len(edges) - 1)[b], b, guess, usable)


def update(made: Mixture, guard: Guard, counts: Pair, *, at: Edges, learning: Mask) -> Guard:
    """The guard after a window with these requests per bucket, [..., B + 1]: it bets while noise is learnt."""
    na, nb = counts.a.sum(axis=-1), counts.b.sum(axis=-1)
    ka, kb = (_above(x, edge) for x, edge in ((counts.a, at.a), (counts.b, at.b)))
    judged = np.asarray(learning) & at.usable
    wealth = shares.update(made, guard.wealth, Tick(na, ka, nb, kb), guess=at.guess, harm=EQUAL, learning=judged)
    seen = (now + np.where(judged, x, 0.0) for now, x in zip(_seen(guard), (na, ka, nb, kb), strict=True))
    return Guard(wealth, *seen)


def _seen(guard: Guard) -> tuple[Array, Array, Array, Array]:
    return guard.na, guard.ka, guard.nb, guard.kb


def _above(counts: Array, edge: NDArray[np.intp]) -> Array:
    total = np.cumsum(counts[..., ::-1], axis=-1)[..., ::-1]
    return np.asarray(np.take_along_axis(total, edge[..., None] + 1, axis=-1)[..., 0])
