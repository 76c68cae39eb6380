"""B5: several metrics under one risk. All are judged at once; the family's evidence is the mean of the metrics' E."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy as np
from rollmodel.evidence.core.arrays import take
from rollmodel.evidence.core.evalue import Tick
from rollmodel.evidence.counts import model as core
from rollmodel.evidence.counts.baseline import Baseline, from_split
from scipy.special import logsumexp

from tests.bench.evidence.records import Record, measure
from tests.bench.evidence.rules import kayenta
from tests.bench.evidence.rules.ours import STANDARD, configured, mark
from tests.bench.evidence.rules.rivals import CHECK_SECONDS, CHECK_TICKS, Verdicts, argo, peeking
from tests.bench.evidence.setup import Size, generator, shown
from tests.bench.evidence.suites.false_alarms import first_runs
from tests.bench.evidence.worlds import TICK_SECONDS, Counts, World, simulate, simulate_history

__all__ = ["RULES", "SIZES", "run"]

WORLD = World(5, 95, 0.005)
SIZES = (1, 5, 20)
FAULTS = (0, 1, 3)
BAD_RATIO = 2.0
OURS, ALONE = "Rollmodel", "Rollmodel's tests, each with the whole risk"
ARGO, ARGO3 = "Argo Rollouts, failureLimit 0 (default)", "Argo Rollouts, failureLimit 3"
PEEKING, KAYENTA = "z-test, looked at every minute", "Kayenta, once after 1 h"
RULES = (OURS, ALONE, ARGO, ARGO3, PEEKING, KAYENTA)


def run(size: Size) -> list[Record]:
    """Families of 1, 5 and 20 independent metrics: none, one, or three of them twice as bad."""
    records = []
    cells = [(m, bad) for m, bad in product(SIZES, FAULTS) if bad <= m]
    for m, bad in shown("B5 families", cells, size):
        rng = generator("B5", m, bad)
        worlds = [replace(WORLD, ratio=BAD_RATIO if i < bad else 1.0) for i in range(m)]
        runs = max(100, size.runs // math.isqrt(m))
        family = [simulate(world, runs, rng) for world in worlds]
        known = _background([simulate_history(world, runs, rng) for world in worlds])
        label = f"{m} metrics, {bad} worse"
        for rule, verdicts in _verdicts(family, known, size.kayenta_runs).items():
            seen = first_runs(family[0], len(verdicts.rollback))
            records.append(measure("B5", rule, worlds[0], seen, verdicts, label=label))
    return records


def _verdicts(family: list[Counts], known: Baseline, kayenta_runs: int) -> dict[str, Verdicts]:
    gate = 2 * WORLD.base
    alone = [_judge([counts], take(known, (slice(None), slice(i, i + 1)))) for i, counts in enumerate(family)]
    return {
        OURS: _judge(family, known),
        ALONE: _earliest(alone),
        ARGO: _earliest([argo(counts, gate) for counts in family]),
        ARGO3: _earliest([argo(counts, gate, 3) for counts in family]),
        PEEKING: _earliest([peeking(counts) for counts in family]),
        KAYENTA: _kayenta([first_runs(counts, kayenta_runs) for counts in family]),
    }


def _stacked(family: list[Counts], t: int | slice) -> Tick:
    """Counts of all metrics as arrays [runs, metrics] (or [runs, metrics, ticks])."""
    return Tick(*(np.stack([getattr(c, name)[:, t] for c in family], axis=1) for name in ("na", "ka", "nb", "kb")))


def _background(histories: list[Counts]) -> Baseline:
    return from_split(_stacked(histories, slice(None)))


def _judge(family: list[Counts], known: Baseline) -> Verdicts:
    """The family rule on simulated counts: harm by the mean of E, safety when every metric is proven safe."""
    m, level = len(family), -math.log(STANDARD.alpha_harm)
    config = configured(WORLD, known, metrics=m)
    state = core.begin(config, known)
    runs, ticks = family[0].na.shape
    harm, safe, proven = np.full(runs, np.inf), np.full(runs, np.inf), np.zeros((runs, m), dtype=bool)
    for t in range(ticks):
        state = core.update(config, state, _stacked(family, t))
        proven |= core.log_safe(state) >= config.safe_level
        joint = logsumexp(core.log_harm(state), axis=1) - math.log(m)
        mark(harm, joint >= level, (t + 1) * TICK_SECONDS)
        mark(safe, proven.all(axis=1), (t + 1) * TICK_SECONDS)
    return Verdicts(harm, safe)


def _earliest(verdicts: list[Verdicts]) -> Verdicts:
    """A rollback by any metric; a promotion once all agree."""
    rollback = np.min([v.rollback for v in verdicts], axis=0)
    return Verdicts.first(rollback, np.max([v.promote for v in verdicts], axis=0))


def _kayenta(family: list[Counts]) -> Verdicts:
    """One group of metrics, judged once at the end: pass from 95 of 100 on."""
    minutes = [counts.blocks(CHECK_TICKS) for counts in family]
    configs = {str(i): kayenta.MetricConfig(direction="increase") for i in range(len(family))}
    rng = np.random.default_rng(0)
    end = minutes[0].na.shape[1] * CHECK_SECONDS
    failed = []
    for run in range(len(minutes[0].na)):
        points = {str(i): (100 * m.kb[run] / m.nb[run], 100 * m.ka[run] / m.na[run]) for i, m in enumerate(minutes)}
        failed.append(kayenta.judge(points, configs, rng=rng).verdict != "Pass")
    return Verdicts.first(np.where(failed, end, np.inf), np.full(len(failed), end))
