"""Synthetic worlds: two arms that receive requests, some of which go wrong, in six kinds of weather.

Everything is drawn for all runs at once from one seeded generator; arrays are [runs, ticks]. A tick is one window of
counts. "Bad" may stand for an error, a slow request or a wrong prediction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["NOISES", "TICK_SECONDS", "Counts", "World", "lognormal_ar1", "simulate", "simulate_history"]

TICK_SECONDS = 10.0

Floats = NDArray[np.float64]

#: Names of the noise models, in the order of the tables. ``ar`` may carry any correlation: ``ar .97``.
NOISES = ("poisson", "ar .3", "ar .6", "burst4", "storm", "shared")

_ARM_CV = 0.3
_STORM_START, _STORM_TICKS, _STORM_FACTOR = 0.005, 3, 6.0
_INCIDENT_TICKS, _INCIDENT_FACTOR = 30, 10.0
_LOAD_SWING = 0.5
_BURST_GEOMETRIC = 0.4
"""Sizes geometric(0.4): mean 2.5, variance of a compound Poisson count (2 - 0.4)/0.4 = 4 times its mean."""


@dataclass(frozen=True, slots=True)
class World:
    """One cell of a table: traffic in requests per second, the stable arm's bad fraction, what the canary does.

    ``ratio`` and ``extra`` give the canary's bad fraction ``ratio * base + extra`` from ``onset`` seconds on (before
    that it equals the stable arm's).
    """

    canary_rps: float
    stable_rps: float
    base: float
    ratio: float = 1.0
    extra: float = 0.0
    noise: str = "poisson"
    ticks: int = 360
    onset: float = 0.0

    @property
    def share(self) -> float:
        """The canary's share of the requests."""
        return self.canary_rps / (self.canary_rps + self.stable_rps)

    @property
    def canary_rate(self) -> float:
        """The canary's bad fraction once the fault is there."""
        return self.ratio * self.base + self.extra

    def healthy(self) -> World:
        """The same world with a canary that equals the stable arm."""
        return replace(self, ratio=1.0, extra=0.0, onset=0.0)


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests and bad requests of canary (a) and stable (b), each [runs, ticks]."""

    na: Floats
    ka: Floats
    nb: Floats
    kb: Floats

    def blocks(self, ticks: int) -> Counts:
        """The sums over consecutive blocks of ``ticks`` ticks (a rest at the end is dropped)."""
        runs, length = self.na.shape
        whole = length // ticks

        def merged(x: Floats) -> Floats:
            return np.asarray(x[:, : whole * ticks].reshape(runs, whole, ticks).sum(axis=2))

        return Counts(merged(self.na), merged(self.ka), merged(self.nb), merged(self.kb))


def simulate(world: World, runs: int, rng: np.random.Generator) -> Counts:
    """Draw ``runs`` independent rollouts of a world."""
    shape = (runs, world.ticks)
    load, incident = _shared_weather(world, shape, rng)
    faulty = np.arange(world.ticks) * TICK_SECONDS >= world.onset
    rate_a = np.where(faulty, world.canary_rate, world.base) * incident
    na, ka = _arm(world.canary_rps * load, rate_a, world.noise, shape, rng)
    nb, kb = _arm(world.stable_rps * load, world.base * incident, world.noise, shape, rng)
    return Counts(na, ka, nb, kb)


def simulate_history(world: World, runs: int, rng: np.random.Generator, ticks: int = 1080) -> Counts:
    """What the stable arm did before, when it had all the traffic: pods for the canary's share of it (a), the rest (b).

    Those pods have noise of their own, as the canary will have.
    """
    return simulate(replace(world.healthy(), ticks=ticks), runs, rng)


def _shared_weather(world: World, shape: tuple[int, int], rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Load and incident factors common to both arms: a wave of the load, one incident of five minutes."""
    runs, ticks = shape
    load, incident = np.ones(shape), np.ones(shape)
    if world.noise != "shared":
        return load, incident
    t = np.arange(ticks)
    load = 1 + _LOAD_SWING * np.sin(2 * np.pi * (t / ticks + rng.random((runs, 1))))
    start = rng.integers(0, ticks - _INCIDENT_TICKS, (runs, 1))
    incident[(t >= start) & (t < start + _INCIDENT_TICKS)] = min(_INCIDENT_FACTOR, 0.5 / world.base)
    return load, incident


def _arm(
    rps: Floats, rate: Floats, noise: str, shape: tuple[int, int], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Requests and bad requests of one arm."""
    n = rng.poisson(rps * TICK_SECONDS, shape)
    p = np.clip(rate * _own_weather(noise, shape, rng), 0.0, 0.95)
    if noise != "burst4":
        return n.astype(float), rng.binomial(n, p).astype(float)
    clusters = rng.poisson(n * p * _BURST_GEOMETRIC)
    extra = rng.negative_binomial(np.maximum(clusters, 1), _BURST_GEOMETRIC) * (clusters > 0)
    return n.astype(float), np.minimum(n, clusters + extra).astype(float)


def _own_weather(noise: str, shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """The factor on one arm's bad fraction that the other arm does not share."""
    if noise.startswith("ar "):
        return lognormal_ar1(float(noise[3:]), shape, rng)
    if noise == "storm":
        started = rng.random(shape) < _STORM_START
        stormy = started.copy()
        for lag in range(1, _STORM_TICKS):
            stormy[:, lag:] |= started[:, :-lag]
        return np.where(stormy, _STORM_FACTOR, 1.0)
    return np.ones(shape)


def lognormal_ar1(rho: float, shape: tuple[int, int], rng: np.random.Generator, cv: float = _ARM_CV) -> Floats:
    """A stationary lognormal series with mean 1, this CV, and lag-1 correlation ``rho`` of its logarithm."""
    steps = rng.standard_normal(shape)
    z = np.empty(shape)
    z[:, 0] = steps[:, 0]
    for t in range(1, shape[1]):
        z[:, t] = rho * z[:, t - 1] + np.sqrt(1 - rho * rho) * steps[:, t]
    sigma = np.sqrt(np.log1p(cv**2))
    return np.asarray(np.exp(sigma * z - sigma * sigma / 2))
