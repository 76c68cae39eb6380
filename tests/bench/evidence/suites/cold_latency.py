"""Without history, latency: what the guard finds within ten windows, and what it leaves alone.

Only the guard is run: in these windows nothing else bets. Defaults of a ModelDeployment: risk 1 %, tolerance x1.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
from rollmodel.evidence import glaring
from rollmodel.evidence.core.evalue import Pair, margin
from rollmodel.evidence.core.mixture import log_total
from rollmodel.evidence.latency import cold_start
from rollmodel.evidence.levels import levels

from tests.bench.evidence.records import Record, measure
from tests.bench.evidence.rules.rivals import Floats, Verdicts
from tests.bench.evidence.setup import Size, generator, shown
from tests.bench.evidence.suites.latency import LAYOUTS, Fault, simulate, totals
from tests.bench.evidence.worlds import TICK_SECONDS, World

__all__ = ["FAULTS", "LAYOUT", "NOISES", "TRAFFIC", "found_after", "run"]

TRAFFIC = ((0.5, 9.5), (5.0, 95.0), (50.0, 950.0))
LAYOUT = "Rollmodel's server"
#: Noise of each arm's own: coefficient of variation of the factor on all of its times, from window to window.
NOISES: Mapping[str, float] = {"alike": 0.0, "arm noise 20 %": 0.2, "arm noise 40 %": 0.4}
FAULTS: Mapping[str, Fault] = {
    "30 % ten times as long": Fault(tail=0.3, times=10.0),
    "x10": Fault(10.0),
    "x5": Fault(5.0),
    "x3": Fault(3.0),
}
LEVEL, LEARNING_TICKS, SOON = -float(np.log(0.01)), 30, 10


def run(size: Size) -> list[Record]:
    """Each traffic in each noise, and with each fault."""
    cells = [(label, noise, Fault(), LEARNING_TICKS) for label, noise in NOISES.items()]
    cells += [(label, 0.0, fault, SOON) for label, fault in FAULTS.items()]
    records = []
    for (canary, stable), (label, noise, fault, ticks) in shown("cold latency", list(product(TRAFFIC, cells)), size):
        world, rng = World(canary, stable, 0.0, ticks=ticks), generator("cold latency", canary, label)
        edges = np.array(LAYOUTS[LAYOUT])
        counts = simulate(edges, world, fault, (size.runs, ticks), rng, noise=noise)
        after = found_after(edges, counts) * TICK_SECONDS
        verdicts = Verdicts.first(after, np.full(size.runs, np.inf))
        records.append(measure("cold latency", "Rollmodel", world, totals(counts), verdicts, label=label))
    return records


def found_after(edges: Floats, counts: Pair) -> Floats:
    """Windows until the guard has its proof, [runs]; infinite where it has none."""
    runs, ticks = counts.a.shape[:2]
    made = glaring.prior(levels(LEVEL, LEVEL))
    guard, before = cold_start.begin(made, (runs,)), np.zeros(counts.b[:, 0].shape)
    after = np.full(runs, np.inf)
    for t in range(ticks):
        now = Pair(counts.a[:, t], counts.b[:, t])
        at = cold_start.edges_above(edges, before, margin(1.1))
        guard = cold_start.update(made, guard, now, at=at, learning=np.full(runs, True))
        before = before + now.b
        after = np.where((log_total(guard.wealth) >= LEVEL) & np.isinf(after), t + 1.0, after)
    return np.asarray(after)
