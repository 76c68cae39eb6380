"""B1: how often is a healthy version rolled back, and how often is one at the margin called safe?

A grid of traffic, split, base rate and noise, the rivals on the same counts; what is known of the stable arm before;
noise that is slower than the method assumes; and short and long rollouts.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from tests.bench.evidence.records import Record, measure
from tests.bench.evidence.rules import ours
from tests.bench.evidence.rules.rivals import RIVALS
from tests.bench.evidence.setup import Size, generator, shown
from tests.bench.evidence.worlds import NOISES, Counts, World, simulate

__all__ = ["grid", "horizons", "run", "slow_noise", "sources", "world_at"]

CANARY_RPS = (1.0, 5.0, 50.0)
SHARES = (0.01, 0.05, 0.25, 0.5)
BASES = (0.001, 0.005, 0.05)
SAFE_MARGIN = 1.5


def world_at(canary_rps: float, share: float, base: float, noise: str = "poisson", ticks: int = 360) -> World:
    """A healthy world with this share of the traffic on the canary."""
    return World(canary_rps, canary_rps * (1 - share) / share, base, noise=noise, ticks=ticks)


def run(size: Size) -> list[Record]:
    """All tables of B1."""
    return [*grid(size), *sources(size), *slow_noise(size), *horizons(size)]


def grid(size: Size) -> list[Record]:
    """216 cells (or some of them), ours and the rivals."""
    cells = list(product(CANARY_RPS, SHARES, BASES, NOISES))
    records = []
    for rps, share, base, noise in shown("B1 false alarms", cells[:: size.grid_every], size):
        world = world_at(rps, share, base, noise)
        records += _null_pair("B1", world, size.runs)
        records += rivals("B1", world, size)
    return records


def _null_pair(suite: str, world: World, runs: int, *, source: str = "split", label: str = "") -> list[Record]:
    """The two nulls at their edge: no difference (harm), and a canary at the safe margin (safe)."""
    rng = generator(suite, world, source)
    known = ours.learn(world, runs, rng, source)
    records = []
    for ratio in (1.0, SAFE_MARGIN):
        now = World(world.canary_rps, world.stable_rps, world.base, ratio, noise=world.noise, ticks=world.ticks)
        counts = simulate(now, runs, rng)
        verdicts = ours.judge(now, counts, known)
        records.append(measure(suite, "Rollmodel", now, counts, verdicts, label=label))
    return records


def rivals(suite: str, world: World, size: Size, names: Sequence[str] = tuple(RIVALS)) -> list[Record]:
    """The rivals in one world, each with its number of runs."""
    rng = generator(suite, world, "rivals")
    counts = simulate(world, size.rival_runs, rng)
    few = first_runs(counts, size.kayenta_runs)
    records = []
    for name in names:
        seen = few if name.startswith("Kayenta") else counts
        records.append(measure(suite, name, world, seen, RIVALS[name](seen, 2 * world.base)))
    return records


def first_runs(counts: Counts, runs: int) -> Counts:
    """The first runs only."""
    return Counts(counts.na[:runs], counts.ka[:runs], counts.nb[:runs], counts.kb[:runs])


def sources(size: Size) -> list[Record]:
    """What is known of the stable arm's noise: its pods, its total, nothing."""
    worlds = [
        World(5, 95, 0.005),
        World(50, 950, 0.005, noise="ar .6"),
        World(50, 950, 0.05, noise="ar .6"),
        World(50, 50, 0.005, noise="burst4"),
        World(50, 950, 0.005, noise="storm"),
    ]
    records = []
    for world, source in shown("B1 sources", list(product(worlds, ("split", "total", "none"))), size):
        records += _null_pair("B1 sources", world, size.runs, source=source, label=source)
        records.append(_delay("B1 sources", world, size.runs, source))
    return records


def _delay(suite: str, world: World, runs: int, source: str) -> Record:
    rng = generator(suite, world, source, "delay")
    bad = World(world.canary_rps, world.stable_rps, world.base, 2.0, noise=world.noise)
    counts = simulate(bad, runs, rng)
    return measure(
        suite, "Rollmodel", bad, counts, ours.judge(bad, counts, ours.learn(bad, runs, rng, source)), label=source
    )


def slow_noise(size: Size) -> list[Record]:
    """Noise of each arm's own that decays more slowly than the method's bound."""
    cells = list(product(((5.0, 95.0), (50.0, 950.0), (50.0, 50.0)), ("ar .8", "ar .9", "ar .97")))
    records = []
    for (canary, stable), noise in shown("B1 slow noise", cells, size):
        records += _null_pair("B1 slow noise", World(canary, stable, 0.005, noise=noise), size.runs)
    return records


def horizons(size: Size) -> list[Record]:
    """10, 60 and 360 checks of one minute each."""
    names = [name for name in RIVALS if not name.startswith("Kayenta, growing")]
    records = []
    for minutes, rps in shown("B1 horizons", list(product((10, 60, 360), (5.0, 50.0))), size):
        world = world_at(rps, 0.05, 0.005, ticks=6 * minutes)
        records += _null_pair("B1 horizons", world, size.runs)[:1]
        records += rivals("B1 horizons", world, size, names)
    return records
