"""B6: what missing, late and restarted data do to verdicts.

Raw counters per pod go through the code that reads Prometheus' answers (``evidence.windows``) and then to the judge.
Diagnosis begins within the first two minutes. The rivals see the same traffic; while Prometheus is down Argo Rollouts'
measurement is an error (five in a row, 10 s apart, abort) and Flagger's check fails.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray
from rollmodel.evidence.core import windows
from rollmodel.evidence.core.samples import CountSample, PodSeries

from tests.bench.evidence.records import Record, measure
from tests.bench.evidence.rules import ours
from tests.bench.evidence.rules.rivals import CHECK_SECONDS, Floats, Verdicts, argo, failed_checks, flagger_checks
from tests.bench.evidence.setup import Size, generator, shown
from tests.bench.evidence.worlds import TICK_SECONDS, Counts, World, simulate

__all__ = ["RATIOS", "RULES", "TROUBLES", "run"]

WORLD = World(50, 950, 0.005)
RATIOS = (1.0, 1.5, 3.0)
RULES = ("Rollmodel", "Argo Rollouts, failureLimit 0 (default)", "Flagger, threshold 5")
PODS = {"candidate": 2, "stable": 8}
_ARGO_ERRORS_SECONDS = 40.0
_RESTARTS_PER_TICK = 1 / 60
_SCRAPES_LOST = 0.2
_STALE_TICKS = 12

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What goes wrong with the data, and how long Prometheus is down."""

    name: str
    outage: float = 0.0
    lost: float = 0.0
    restarts: bool = False
    stale: bool = False


TROUBLES = (
    Diagnosis("nothing"),
    Diagnosis("Prometheus down for 30 s", outage=30.0),
    Diagnosis("Prometheus down for 2 min", outage=120.0),
    Diagnosis("Prometheus down for 10 min", outage=600.0),
    Diagnosis("20 % of the scrapes lost", lost=_SCRAPES_LOST),
    Diagnosis("each pod restarts every 10 min", restarts=True),
    Diagnosis("candidate's counters stand still for 2 min", stale=True),
)


def run(size: Size) -> list[Record]:
    """Healthy, at the safe margin and three times as bad, under each trouble."""
    runs, records = max(40, size.runs // 5), []
    for trouble, ratio in shown("B6 missing data", list(product(TROUBLES, RATIOS)), size):
        rng = generator("B6", trouble.name, ratio)
        world = replace(WORLD, ratio=ratio)
        truth, known = simulate(world, runs, rng), ours.learn(world, runs, rng)
        begins = rng.integers(2, 12, runs)
        moments = np.asarray(begins * TICK_SECONDS, dtype=float)
        seen, seconds = _through_windows(truth, trouble, begins, rng)
        verdicts_of = (
            ours.judge(world, seen, known, seconds=seconds),
            _argo(truth, moments, trouble.outage),
            _flagger(truth, moments, trouble.outage),
        )
        for rule, verdicts in zip(RULES, verdicts_of, strict=True):
            records.append(measure("B6", rule, world, truth, verdicts, label=trouble.name))
    return records


def _through_windows(
    truth: Counts, trouble: Diagnosis, begins: Ints, rng: np.random.Generator
) -> tuple[Counts, Floats]:
    """The counts of complete windows as the operator sees them, at the tick where each ends, and their lengths."""
    runs, ticks = truth.na.shape
    seen = Counts(*(np.zeros((runs, ticks)) for _ in range(4)))
    seconds = np.full((runs, ticks), TICK_SECONDS)
    for r in range(runs):
        series = _series(truth, r, trouble, int(begins[r]), rng)
        for window, sample in windows.count_samples(series, start=0.0, end=ticks * TICK_SECONDS, step=TICK_SECONDS):
            if isinstance(sample, CountSample):
                t = round(window.end / TICK_SECONDS) - 1
                seen.na[r, t], seen.ka[r, t], seen.nb[r, t], seen.kb[r, t] = sample.na, sample.ka, sample.nb, sample.kb
                seconds[r, t] = window.end - window.start
    return seen, seconds


def _series(truth: Counts, r: int, trouble: Diagnosis, begin: int, rng: np.random.Generator) -> list[PodSeries]:
    """Raw counters of one run: every pod with its totals and its bad requests."""
    series = []
    for arm, total, bad in (("candidate", truth.na[r], truth.ka[r]), ("stable", truth.nb[r], truth.kb[r])):
        pods = PODS[arm]
        even = np.full(pods, 1.0 / pods)
        good = rng.multinomial((total - bad).astype(int), even).T
        failed = rng.multinomial(bad.astype(int), even).T
        for pod in range(pods):
            there = _scraped(len(total) + 1, trouble, begin, rng)
            reset = _restarts(len(total), trouble, rng)
            for role, increments in (("total", good[pod] + failed[pod]), ("bad", failed[pod])):
                values = _counter(increments, reset)
                if trouble.stale and arm == "candidate":
                    values[begin : begin + _STALE_TICKS] = values[begin]
                points = [(t * TICK_SECONDS, float(values[t])) for t in np.flatnonzero(there)]
                series.append(PodSeries("candidate" if arm == "candidate" else "stable", f"{arm}-{pod}", role, points))
    return series


def _scraped(points: int, trouble: Diagnosis, begin: int, rng: np.random.Generator) -> Mask:
    there = rng.random(points) >= trouble.lost
    there[begin : begin + int(trouble.outage / TICK_SECONDS)] = False
    return there


def _restarts(ticks: int, trouble: Diagnosis, rng: np.random.Generator) -> Mask:
    return rng.random(ticks) < _RESTARTS_PER_TICK if trouble.restarts else np.zeros(ticks, dtype=bool)


def _counter(increments: Ints, reset: Mask) -> Floats:
    """A counter at ticks 0 .. T: it begins anew in the ticks of a reset."""
    sums = np.concatenate([[0], np.cumsum(increments)]).astype(float)
    before = np.where(np.concatenate([[False], reset]), np.concatenate([[0.0], sums[:-1]]), 0.0)
    return np.asarray(sums - np.maximum.accumulate(before) + 1000.0 * (np.cumsum(np.concatenate([[0], reset])) == 0))


def _argo(truth: Counts, begins: Floats, outage: float) -> Verdicts:
    """Aborts once five measurements in a row were errors: 40 s after the first one."""
    verdicts = argo(truth, 2 * WORLD.base)
    first = np.ceil(begins / CHECK_SECONDS) * CHECK_SECONDS
    blind = np.where(first + _ARGO_ERRORS_SECONDS < begins + outage, first + _ARGO_ERRORS_SECONDS, np.inf)
    return Verdicts.first(np.minimum(verdicts.rollback, blind), verdicts.promote)


def _flagger(truth: Counts, begins: Floats, outage: float) -> Verdicts:
    """A check without an answer has failed."""
    failed = failed_checks(truth, 2 * WORLD.base)
    checks = (np.arange(failed.shape[1]) + 1) * CHECK_SECONDS
    blind = (checks >= begins[:, None]) & (checks < begins[:, None] + outage)
    return flagger_checks(failed | blind, 5)
