"""B2 and B3: how surely and how fast is a worse version found, and what does it cost until then?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

from tests.bench.evidence.records import Record, measure
from tests.bench.evidence.rules import ours
from tests.bench.evidence.rules.oracle import oracle_seconds
from tests.bench.evidence.rules.ours import STANDARD, Policy
from tests.bench.evidence.setup import Size, generator, shown
from tests.bench.evidence.suites.false_alarms import rivals
from tests.bench.evidence.worlds import World, simulate

__all__ = ["DEFAULT", "RATIOS", "REFERENCE", "WORLDS", "run"]

RATIOS = (1.25, 1.5, 2.0, 3.0, 5.0)

WORLDS = {
    "1 vs 19, 0.1 %": World(1, 19, 0.001),
    "1 vs 19, 0.5 %": World(1, 19, 0.005),
    "1 vs 19, 5 %": World(1, 19, 0.05),
    "5 vs 95, 0.1 %": World(5, 95, 0.001),
    "5 vs 95, 0.5 %": World(5, 95, 0.005),
    "5 vs 95, 5 %": World(5, 95, 0.05),
    "5 vs 5, 0.5 %": World(5, 5, 0.005),
    "50 vs 950, 0.1 %": World(50, 950, 0.001),
    "50 vs 950, 0.5 %": World(50, 950, 0.005),
    "50 vs 950, 5 %": World(50, 950, 0.05),
    "5 vs 95, 0.5 %, ar .6": World(5, 95, 0.005, noise="ar .6"),
    "50 vs 950, 0.5 %, ar .6": World(50, 950, 0.005, noise="ar .6"),
    "5 vs 95, 0.5 %, burst4": World(5, 95, 0.005, noise="burst4"),
    "5 vs 95, 0.5 %, from 30 min on": World(5, 95, 0.005, onset=1800.0),
}

#: What the design expects: median seconds by world and ratio. Printed next to what was measured.
REFERENCE: Mapping[str, Mapping[float, float]] = {
    "1 vs 19, 0.1 %": {3: 2570, 5: 995},
    "1 vs 19, 0.5 %": {2: 1860, 3: 615, 5: 230},
    "1 vs 19, 5 %": {1.25: 2840, 1.5: 705, 2: 210, 3: 80, 5: 30},
    "5 vs 95, 0.5 %": {1.5: 1440, 2: 430, 3: 140, 5: 60},
    "5 vs 5, 0.5 %": {1.5: 2670, 2: 820, 3: 300, 5: 120},
    "50 vs 950, 0.1 %": {1.25: 2940, 1.5: 730, 2: 220, 3: 80, 5: 40},
    "50 vs 950, 0.5 %": {1.25: 620, 1.5: 170, 2: 60, 3: 30, 5: 20},
    "5 vs 95, 0.5 %, ar .6": {1.5: 1565, 2: 450, 3: 170, 5: 60},
    "50 vs 950, 0.5 %, ar .6": {1.25: 1690, 1.5: 470, 2: 150, 3: 50, 5: 20},
    "5 vs 95, 0.5 %, burst4": {2: 1490, 3: 540, 5: 215},
    "5 vs 95, 0.5 %, from 30 min on": {2: 790, 3: 310, 5: 130},
}

#: What a ModelDeployment gets that says nothing: tolerance x1.1, safe margin x1.5, risks 1 % and 5 %.
DEFAULT = Policy(harm=(1.1, 0.0), alpha_harm=0.01)


def run(size: Size) -> list[Record]:
    """Ours in all worlds, the rivals where requests are independent, and the default policy."""
    records = []
    for (label, world), ratio in shown("B2 detection", list(product(WORLDS.items(), (1.0, *RATIOS))), size):
        bad = replace(world, ratio=ratio)
        records.append(_ours("B2", bad, size, label))
        if world.noise == "poisson":
            records += [replace(r, label=label) for r in rivals("B2", bad, size)]
    defaults = [(label, world) for label, world in WORLDS.items() if world.noise == "poisson"]
    for (label, world), ratio in shown("B2 default policy", list(product(defaults, (1.0, 1.1, *RATIOS))), size):
        records.append(_ours("B2 default", replace(world, ratio=ratio), size, label, DEFAULT))
    return records


def _ours(suite: str, world: World, size: Size, label: str, policy: Policy = STANDARD) -> Record:
    rng = generator(suite, world)
    known = ours.learn(world, size.runs, rng)
    counts = simulate(world, size.runs, rng)
    verdicts = ours.judge(world, counts, known, policy)
    oracle = oracle_seconds(world, ratio=policy.harm[0], absolute=policy.harm[1], alpha=policy.alpha_harm)
    return measure(suite, "Rollmodel", world, counts, verdicts, oracle=oracle, label=label)
