"""B4: how long does a healthy version wait for its proof of safety?"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from tests.bench.evidence.records import Record, measure
from tests.bench.evidence.rules import ours
from tests.bench.evidence.rules.oracle import oracle_seconds
from tests.bench.evidence.rules.ours import Policy
from tests.bench.evidence.setup import Size, generator, shown
from tests.bench.evidence.suites.detection import WORLDS
from tests.bench.evidence.worlds import World, simulate

__all__ = ["MARGINS", "REFERENCE", "run"]

MARGINS: Mapping[str, tuple[float, float]] = {
    "x1.25": (1.25, 0.0),
    "x1.5": (1.5, 0.0),
    "x2": (2.0, 0.0),
    "+0.5 points": (1.0, 0.005),
}

#: What the design expects, as in ``detection``.
REFERENCE: Mapping[str, Mapping[str, float]] = {
    "1 vs 19, 0.1 %": {"+0.5 points": 850},
    "1 vs 19, 0.5 %": {"x2": 2015, "+0.5 points": 1870},
    "5 vs 95, 0.1 %": {"x2": 2035, "+0.5 points": 190},
    "5 vs 95, 0.5 %": {"x1.5": 1240, "x2": 430, "+0.5 points": 390},
    "5 vs 95, 5 %": {"x1.25": 470, "x1.5": 140, "x2": 50, "+0.5 points": 2320},
    "50 vs 950, 0.5 %": {"x1.25": 460, "x1.5": 140, "x2": 50, "+0.5 points": 50},
    "5 vs 95, 0.5 %, ar .6": {"x1.5": 1390, "x2": 470, "+0.5 points": 460},
    "5 vs 95, 0.5 %, burst4": {"x2": 1560, "+0.5 points": 1430},
}


def run(size: Size) -> list[Record]:
    """A healthy canary and one exactly at the margin, for each world and margin."""
    records = []
    for label, (name, margin) in shown("B4 promotion", list(product(REFERENCE, MARGINS.items())), size):
        world, policy = WORLDS[label], Policy(safe=margin)
        at_margin = World(world.canary_rps, world.stable_rps, world.base, *margin, noise=world.noise)
        rng = generator("B4", world, name)
        known = ours.learn(world, size.runs, rng)
        for now in (world, at_margin):
            counts = simulate(now, size.runs, rng)
            oracle = oracle_seconds(now, ratio=margin[0], absolute=margin[1])
            verdicts = ours.judge(now, counts, known, policy)
            records.append(measure("B4", "Rollmodel", now, counts, verdicts, oracle=oracle, label=f"{label} | {name}"))
    return records
