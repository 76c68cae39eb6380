"""Without history, and with a pod that stands still: what one window may be worth.

Both with the defaults of a ModelDeployment: tolerance x1.1, risk of a false rollback 1 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import numpy as np

from tests.bench.evidence.records import Record, measure
from tests.bench.evidence.rules import ours
from tests.bench.evidence.setup import Size, generator, shown
from tests.bench.evidence.suites.detection import DEFAULT
from tests.bench.evidence.worlds import TICK_SECONDS, Counts, World, simulate

__all__ = ["COLD", "FAULTS", "INTERVALS", "NOISES", "STALLS", "STALL_TRAFFIC", "cold", "run", "stalls", "with_stall"]

#: Worlds without history, by what the candidate gets in a window.
COLD = (World(0.5, 9.5, 0.005), World(5, 95, 0.005), World(5, 95, 0.02), World(50, 950, 0.005))
#: A candidate's rate that is glaring: times the stable rate, plus this.
FAULTS: Mapping[str, tuple[float, float]] = {"30 %": (0.0, 0.3), "x10": (10.0, 0.0)}
NOISES = ("poisson", "ar .6", "burst4", "storm")
FIRST_TICKS, SOON = 60, 10

STALL_TRAFFIC = ((1.0, 19.0), (5.0, 95.0), (50.0, 950.0))
INTERVALS, STALLS = (10.0, 2.0), (0.0, 1.0, 2.0, 3.0)
#: A rollout of a quarter of an hour, in whose first ten minutes one of the candidate's two pods stands still once.
STALL_SECONDS, STALL_WITHIN, STALL_SHARE = 900.0, 600.0, 0.5


def run(size: Size) -> list[Record]:
    """Both tables."""
    return [*cold(size), *stalls(size)]


def cold(size: Size) -> list[Record]:
    """Healthy for ten minutes in four kinds of noise; glaring faults, and how many are found in ten windows."""
    records = []
    for world in shown("cold start", COLD, size):
        healthy = [replace(world, noise=noise, ticks=FIRST_TICKS) for noise in NOISES]
        faulty = [replace(world, ratio=ratio, extra=extra, ticks=SOON) for ratio, extra in FAULTS.values()]
        for label, one in zip((*NOISES, *FAULTS), [*healthy, *faulty], strict=True):
            rng = generator("cold", one)
            counts = simulate(one, size.runs, rng)
            verdicts = ours.judge(one, counts, ours.learn(one, size.runs, rng, "none"), DEFAULT)
            records.append(measure("cold", "Rollmodel", world, counts, verdicts, label=label))
    return records


def stalls(size: Size) -> list[Record]:
    """One stall of a pod, in windows of several lengths: how often is that taken for harm?"""
    records = []
    cells = list(product(INTERVALS, STALLS, STALL_TRAFFIC))
    for interval, stall, (canary, stable) in shown("stalls", cells, size):
        part = interval / TICK_SECONDS
        world = World(canary * part, stable * part, 0.005, ticks=int(STALL_SECONDS / interval))
        rng = generator("stalls", world, interval, stall)
        known = ours.learn(world, size.runs, rng)
        counts = with_stall(simulate(world, size.runs, rng), interval, stall, rng)
        verdicts = ours.judge(world, counts, known, DEFAULT, interval=interval)
        label = f"{interval:g} | {stall:g} | {canary:g} vs {stable:g}"
        records.append(measure("stalls", "Rollmodel", world, counts, verdicts, label=label))
    return records


def with_stall(counts: Counts, interval: float, stall: float, rng: np.random.Generator) -> Counts:
    """All requests of half of the candidate are bad for so many seconds, once, at a random moment of each run."""
    runs, ticks = counts.ka.shape
    begin = rng.random((runs, 1)) * STALL_WITHIN
    edges = interval * np.arange(ticks + 1)
    overlap = np.minimum(begin + stall, edges[1:]) - np.maximum(begin, edges[:-1])
    hit = rng.binomial(counts.na.astype(int), STALL_SHARE * np.clip(overlap, 0.0, interval) / interval)
    return replace(counts, ka=np.minimum(counts.na, counts.ka + hit))
