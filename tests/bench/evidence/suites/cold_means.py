"""Without history, means: what the guard finds within ten windows, and what it leaves alone.

From counts and sums alone, which is what a ModelDeployment can ask for. Its defaults: risk 1 %, tolerance x1.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import numpy as np
from rollmodel.evidence.core.evalue import margin
from rollmodel.evidence.levels import levels
from rollmodel.evidence.means import model as core
from rollmodel.evidence.means.past import unknown

from tests.bench.evidence.records import Record, measure
from tests.bench.evidence.rules.rivals import Floats, Verdicts
from tests.bench.evidence.setup import Size, generator, shown
from tests.bench.evidence.suites.cold_latency import LEARNING_TICKS, LEVEL, SOON
from tests.bench.evidence.suites.means import Law, ticks_of
from tests.bench.evidence.worlds import TICK_SECONDS, Counts, World

__all__ = ["FAULTS", "NOISES", "SETTINGS", "found_after", "run"]

SETTINGS = tuple(
    (canary, stable, law)
    for law in (Law(0.5), Law(1.3, lognormal=True))
    for canary, stable in ((0.5, 9.5), (5.0, 95.0))
)
#: Noise of each arm's own on its mean.
NOISES: Mapping[str, float] = {"alike": 0.0, "arm noise 20 %": 0.2, "arm noise 40 %": 0.4}
SAFE_LEVEL = -float(np.log(0.05))
FAULTS: Mapping[str, tuple[float, bool]] = {"x10": (10.0, True), "x3": (3.0, True), "a tenth": (0.1, False)}


def run(size: Size) -> list[Record]:
    """Each traffic and law, in each noise, and with each fault: too high, or too low where higher is better."""
    cells = [(label, noise, 1.0, True, LEARNING_TICKS) for label, noise in NOISES.items()]
    cells += [(label, 0.0, ratio, higher, SOON) for label, (ratio, higher) in FAULTS.items()]
    records = []
    for (canary, stable, law), cell in shown("cold means", list(product(SETTINGS, cells)), size):
        label, noise, ratio, higher, length = cell
        world = World(canary, stable, 0.0, ticks=length)
        rng = generator("cold means", canary, law, label)
        seen = replace(law, noisy=noise > 0, noise=noise)
        ticks = ticks_of(world, seen, ratio, (size.runs, length), rng)
        after = found_after(ticks._replace(within=np.full_like(ticks.na, np.nan)), higher_is_worse=higher)
        zero = np.zeros_like(ticks.na)
        counts = Counts(ticks.na, zero, ticks.nb, zero)
        verdicts = Verdicts.first(after * TICK_SECONDS, np.full(size.runs, np.inf))
        row = f"{'lognormal' if law.lognormal else 'normal'}, CV {law.cv:g} | {label}"
        records.append(measure("cold means", "Rollmodel", world, counts, verdicts, label=row))
    return records


def found_after(ticks: core.MeanTick, *, higher_is_worse: bool = True) -> Floats:
    """Windows until harm is proven without history, [runs]; infinite where it is not."""
    runs, length = ticks.na.shape
    past = unknown((runs,))
    sign = 1.0 if higher_is_worse else -1.0
    config = core.configure(past, harm=margin(1.1), safe=margin(1.25), levels=levels(LEVEL, SAFE_LEVEL), sign=sign)
    state, after = core.begin(config, past), np.full(runs, np.inf)
    for t in range(length):
        state = core.update(config, state, core.MeanTick(*(x[:, t] for x in ticks)))
        after = np.where((core.log_harm(state) >= LEVEL) & np.isinf(after), t + 1.0, after)
    return np.asarray(after)
