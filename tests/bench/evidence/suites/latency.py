"""B2, latency: how fast are slower versions found from histogram buckets alone?

Latencies are lognormal (median 0.12 s, sigma 0.5). A fault multiplies them, or a part of the requests takes four times
as long. Only counts per bucket are seen; the oracle sees every latency.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from rollmodel.evidence.core.evalue import Pair, margin
from rollmodel.evidence.latency import bins
from rollmodel.evidence.latency import model as core
from rollmodel.evidence.levels import levels
from rollmodel.evidence.noise import latency_noise
from scipy.special import ndtr
from scipy.stats import norm

from tests.bench.evidence.records import Record, measure
from tests.bench.evidence.rules import kayenta
from tests.bench.evidence.rules.ours import STANDARD, mark
from tests.bench.evidence.rules.rivals import CHECK_SECONDS, CHECK_TICKS, Floats, Verdicts
from tests.bench.evidence.setup import Size, generator, shown
from tests.bench.evidence.worlds import TICK_SECONDS, Counts, World, lognormal_ar1

__all__ = ["FAULTS", "LAYOUTS", "SETTINGS", "Fault", "run", "simulate", "totals"]

MEDIAN, SIGMA = 0.12, 0.5
SAFE_RATIO = 1.25
TICKS, HISTORY_TICKS = 360, 1080
KAYENTA = "Kayenta on p95 per minute, growing"

LAYOUTS = {
    "five fitting edges": (0.12, 0.168, 0.228, 0.273, 0.384),
    "Rollmodel's server": (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0),
    "Prometheus' defaults": (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Latencies times ``factor``; a part ``tail`` of the requests takes ``times`` as long."""

    factor: float = 1.0
    tail: float = 0.0
    times: float = 4.0


FAULTS = {
    "healthy": Fault(),
    "+5 %": Fault(1.05),
    "+10 %": Fault(1.10),
    "+25 %": Fault(SAFE_RATIO),
    "+50 %": Fault(1.50),
    "2 % four times as long": Fault(tail=0.02),
}

#: Row of the table: layout of the buckets, canary and stable requests per second, noise of each arm's own (sigma).
SETTINGS = {
    "1 vs 19, five fitting edges": ("five fitting edges", 1.0, 19.0, 0.0),
    "5 vs 95, five fitting edges": ("five fitting edges", 5.0, 95.0, 0.0),
    "50 vs 950, five fitting edges": ("five fitting edges", 50.0, 950.0, 0.0),
    "5 vs 95, Rollmodel's server": ("Rollmodel's server", 5.0, 95.0, 0.0),
    "5 vs 95, Prometheus' defaults": ("Prometheus' defaults", 5.0, 95.0, 0.0),
    "5 vs 95, five edges, arm noise 5 %": ("five fitting edges", 5.0, 95.0, 0.05),
}


def run(size: Size) -> list[Record]:
    """All settings and faults; Kayenta in the second setting."""
    runs, records = max(50, size.runs // 4), []
    for (label, setting), (name, fault) in shown("B2 latency", list(product(SETTINGS.items(), FAULTS.items())), size):
        layout, canary, stable, noise = setting
        rng = generator("latency", label, name)
        world, edges = World(canary, stable, 0.0), np.array(LAYOUTS[layout])
        counts = simulate(edges, world, fault, (runs, TICKS), rng, noise=noise)
        known = _learn(edges, simulate(edges, world, Fault(), (runs, HISTORY_TICKS), rng, noise=noise))
        total = totals(counts)
        oracle = _oracle_seconds(world, fault)
        records.append(
            measure(
                "latency", "Rollmodel", world, total, _judge(known, counts), oracle=oracle, label=f"{label} | {name}"
            )
        )
        if label.startswith("5 vs 95, five fitting"):
            few = Pair(*(x[: size.kayenta_runs] for x in counts))
            records.append(
                measure("latency", KAYENTA, world, totals(few), _kayenta(edges, few), label=f"{label} | {name}")
            )
    return records


def simulate(
    edges: Floats, world: World, fault: Fault, shape: tuple[int, int], rng: np.random.Generator, *, noise: float
) -> Pair:
    """Requests per bucket of both arms, [runs, ticks, B + 1]."""
    arms = []
    for rps, now in ((world.canary_rps, fault), (world.stable_rps, Fault())):
        drift = lognormal_ar1(0.6, shape, rng, cv=noise)[..., None] if noise else 1.0
        cdf = _cdf(edges / drift, now)
        parts = np.diff(np.concatenate([0 * cdf[..., :1], cdf, 0 * cdf[..., :1] + 1], axis=-1), axis=-1)
        mean = rps * TICK_SECONDS * parts
        arms.append(rng.poisson(np.broadcast_to(mean, (*shape, len(edges) + 1))).astype(float))
    return Pair(*arms)


def _cdf(times: Floats, fault: Fault) -> Floats:
    plain = ndtr(np.log(times / (MEDIAN * fault.factor)) / SIGMA)
    slow = ndtr(np.log(times / (fault.times * MEDIAN * fault.factor)) / SIGMA)
    return np.asarray((1 - fault.tail) * plain + fault.tail * slow)


def _learn(edges: Floats, history: Pair) -> bins.LatencyConfig:
    """The frozen configuration: one stable curve for all runs, the noise of each run's own history."""
    config = bins.configure(
        edges,
        (history.a + history.b).mean(axis=0).sum(axis=0),
        harm=margin(1.0),
        safe=margin(SAFE_RATIO),
        levels=levels(-math.log(STANDARD.alpha_harm), -math.log(STANDARD.alpha_safe)),
    )
    return latency_noise.from_split(config, history)


def _judge(config: bins.LatencyConfig, counts: Pair) -> Verdicts:
    runs, ticks = counts.a.shape[:2]
    state = core.begin(config, (runs,))
    harm, safe = np.full(runs, np.inf), np.full(runs, np.inf)
    for t in range(ticks):
        state = core.update(config, state, Pair(counts.a[:, t], counts.b[:, t]))
        mark(harm, core.log_harm(state) >= config.harm_level, (t + 1) * TICK_SECONDS)
        mark(safe, np.all(state.proven > 0, axis=-1), (t + 1) * TICK_SECONDS)
    return Verdicts(harm, safe)


def totals(counts: Pair) -> Counts:
    """Requests of each window; none of them is bad."""
    a, b = counts.a.sum(axis=-1), counts.b.sum(axis=-1)
    return Counts(a, np.zeros_like(a), b, np.zeros_like(b))


def _oracle_seconds(world: World, fault: Fault) -> float:
    """log(1/alpha) over the best growth against "both arms are equal": both arms' KL from their mixture."""
    if fault == Fault():
        return math.inf
    x = np.linspace(-6, 8, 20_001)
    step = x[1] - x[0]

    def density(now: Fault) -> Floats:
        shift = math.log(now.factor) / SIGMA
        return np.asarray(
            (1 - now.tail) * norm.pdf(x - shift) + now.tail * norm.pdf(x - shift - math.log(now.times) / SIGMA)
        )

    share, p, q = world.share, density(fault), density(Fault())
    mixed = share * p + (1 - share) * q
    gain = share * np.sum(p * np.log(p / mixed)) + (1 - share) * np.sum(q * np.log(q / mixed))
    requests = (world.canary_rps + world.stable_rps) * TICK_SECONDS
    return float(math.log(1 / STANDARD.alpha_harm) / (float(gain) * step * requests) * TICK_SECONDS)


def _kayenta(edges: Floats, counts: Pair) -> Verdicts:
    """The 95 % point of each minute as ``histogram_quantile`` gives it, judged every ten minutes."""
    canary, stable = (_p95(edges, _minutes(x)) for x in counts)
    config = {"p95": kayenta.MetricConfig(direction="increase")}
    runs, minutes = canary.shape
    rng, rollback = np.random.default_rng(0), np.full(runs, np.inf)
    for r, look in product(range(runs), range(10, minutes + 1, 10)):
        if np.isinf(rollback[r]):
            points = {"p95": (stable[r, :look], canary[r, :look])}
            if kayenta.judge(points, config, rng=rng).verdict == "Fail":
                rollback[r] = look * CHECK_SECONDS
    return Verdicts.first(rollback, np.full(runs, minutes * CHECK_SECONDS))


def _minutes(counts: Floats) -> Floats:
    runs, ticks, buckets = counts.shape
    return np.asarray(counts.reshape(runs, ticks // CHECK_TICKS, CHECK_TICKS, buckets).sum(axis=2))


def _p95(edges: Floats, counts: Floats) -> Floats:
    """Linear between the bucket's bounds; the last finite bound where it lies beyond."""
    below = np.cumsum(counts, axis=-1)
    rank = 0.95 * below[..., -1:]
    at = np.minimum((below < rank).sum(axis=-1), len(edges) - 1)
    low = np.concatenate([[0.0], edges])[at]
    before = np.take_along_axis(np.concatenate([0 * below[..., :1], below], axis=-1), at[..., None], axis=-1)[..., 0]
    inside = np.take_along_axis(counts, at[..., None], axis=-1)[..., 0]
    part = np.clip((rank[..., 0] - before) / np.maximum(inside, 1e-9), 0.0, 1.0)
    return np.asarray(low + part * (edges[at] - low))
