"""B2, means: how fast is a higher mean per request found (a cost, a score), also from sums alone?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from rollmodel.evidence.core.arrays import stack
from rollmodel.evidence.core.evalue import margin
from rollmodel.evidence.core.types import MetricHistory
from rollmodel.evidence.levels import levels
from rollmodel.evidence.means import model as core
from rollmodel.evidence.means.past import MeanPast, from_history

from tests.bench.evidence.records import Record, measure
from tests.bench.evidence.rules.ours import STANDARD, mark
from tests.bench.evidence.rules.rivals import Floats, Verdicts
from tests.bench.evidence.setup import Size, generator, shown
from tests.bench.evidence.worlds import TICK_SECONDS, Counts, World, lognormal_ar1

__all__ = ["RATIOS", "SETTINGS", "Law", "run", "run_sums", "ticks_of"]

SAFE_RATIO = 1.10
RATIOS = (1.0, 1.05, 1.10, 1.25)
HISTORY_TICKS = 360
_ARM_NOISE = 0.05


@dataclass(frozen=True, slots=True)
class Law:
    """The distribution of one value about its mean: variation, whether lognormal, noise of each arm's own."""

    cv: float
    lognormal: bool = False
    noisy: bool = False
    noise: float = _ARM_NOISE


#: Row of the table: canary and stable requests per second, and the law.
SETTINGS = {
    "1 vs 19, normal, CV 0.5": (1.0, 19.0, Law(0.5)),
    "5 vs 95, normal, CV 0.5": (5.0, 95.0, Law(0.5)),
    "1 vs 19, lognormal, CV 1.3": (1.0, 19.0, Law(1.3, lognormal=True)),
    "5 vs 95, normal, arm noise 5 %, rho .6": (5.0, 95.0, Law(0.5, noisy=True)),
}


def run(size: Size) -> list[Record]:
    """All settings and ratios; at the last ratio but one the canary is exactly at the safe margin."""
    return _run("means", size, squares=True)


def run_sums(size: Size) -> list[Record]:
    """The same from counts and sums alone, which is what a ModelDeployment can ask for."""
    return _run("sums", size, squares=False)


def _run(suite: str, size: Size, *, squares: bool) -> list[Record]:
    runs, records = max(50, size.runs // 5), []
    for (label, (canary, stable, law)), ratio in shown(f"B2 {suite}", list(product(SETTINGS.items(), RATIOS)), size):
        world, rng = World(canary, stable, 0.0, ratio), generator(suite, label, ratio)
        pasts = [_history(world, law, rng, columns=3 if squares else 2) for _ in range(runs)]
        past = stack([from_history(one, share=world.share, interval=10.0) for one in pasts])
        ticks = ticks_of(world, law, ratio, (runs, world.ticks), rng)
        ticks = ticks if squares else ticks._replace(within=np.full_like(ticks.na, np.nan))
        zero = np.zeros_like(ticks.na)
        counts = Counts(ticks.na, zero, ticks.nb, zero)
        oracle = _oracle_seconds(world, law)
        records.append(measure(suite, "Rollmodel", world, counts, _judge(past, ticks), oracle=oracle, label=label))
    return records


def ticks_of(world: World, law: Law, ratio: float, shape: tuple[int, int], rng: np.random.Generator) -> core.MeanTick:
    """Windows of both arms, [runs, ticks]; the candidate's mean is so many times the stable one."""
    na, mean_a, within_a = _arm(world.canary_rps, ratio, law, shape, rng)
    nb, mean_b, within_b = _arm(world.stable_rps, 1.0, law, shape, rng)
    return core.MeanTick(na, mean_a, nb, mean_b, within_a + within_b)


def _arm(
    rps: float, mean: float, law: Law, shape: tuple[int, int], rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Count, mean and squared deviations of each tick; of a normal law they are drawn without the single values."""
    n = np.maximum(rng.poisson(rps * TICK_SECONDS, shape), 1)
    level = mean * (lognormal_ar1(0.6, shape, rng, cv=law.noise) if law.noisy else np.ones(shape))
    if not law.lognormal:
        average = rng.normal(level, law.cv / np.sqrt(n))
        within = law.cv**2 * rng.chisquare(np.maximum(n - 1, 1e-9))
        return n.astype(float), average, within
    sigma = math.sqrt(math.log1p(law.cv**2))
    values = rng.lognormal(-sigma * sigma / 2, sigma, int(n.sum()))
    ends = np.cumsum(n.ravel())
    starts = ends - n.ravel()
    sums, squares = (np.add.reduceat(x, starts).reshape(shape) for x in (values, values**2))
    return n.astype(float), level * sums / n, level**2 * np.maximum(squares - sums**2 / n, 0.0)


def _history(world: World, law: Law, rng: np.random.Generator, columns: int) -> MetricHistory:
    """Stable pods of the canary's share and of the rest, as (count, sum, sum of squares) per tick, or less of it."""
    pods = {}
    for name, rps in (("part", world.canary_rps), ("rest", world.stable_rps)):
        n, mean, within = (x[0] for x in _arm(rps, 1.0, law, (1, HISTORY_TICKS), rng))
        pods[name] = np.stack([n, n * mean, within + n * mean**2][:columns], axis=-1).tolist()
    return MetricHistory(pods=pods)


def _judge(past: MeanPast, ticks: core.MeanTick) -> Verdicts:
    config = core.configure(
        past,
        harm=margin(1.0),
        safe=margin(SAFE_RATIO),
        levels=levels(-math.log(STANDARD.alpha_harm), -math.log(STANDARD.alpha_safe)),
    )
    state = core.begin(config, past)
    runs, length = ticks.na.shape
    harm, safe = np.full(runs, np.inf), np.full(runs, np.inf)
    for t in range(length):
        state = core.update(config, state, core.MeanTick(*(x[:, t] for x in ticks)))
        mark(harm, core.log_harm(state) >= config.harm_level, (t + 1) * TICK_SECONDS)
        mark(safe, core.log_safe(state) >= config.safe_level, (t + 1) * TICK_SECONDS)
    return Verdicts(harm, safe)


def _oracle_seconds(world: World, law: Law) -> float:
    """For a normal law with known variance: log(1/alpha) over d^2 / 2v."""
    if world.ratio == 1.0 or law.lognormal or law.noisy:
        return math.inf
    variance = law.cv**2 * (1 / world.canary_rps + 1 / world.stable_rps) / TICK_SECONDS
    return math.log(1 / STANDARD.alpha_harm) / ((world.ratio - 1) ** 2 / (2 * variance)) * TICK_SECONDS
