"""Builders and simulated traffic for tests of the judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from rollmodel.evidence import judge
from rollmodel.evidence.core.arrays import array
from rollmodel.evidence.core.samples import PodSeries, Sample, Window
from rollmodel.evidence.core.types import JudgePlan, MetricHistory, MetricPlan
from rollmodel.evidence.counts.baseline import Baseline
from rollmodel.evidence.noise.dispersion import Prior

START = 1_700_000_000.0
STEP = 10.0

Array = NDArray[np.float64]


def baseline(rate: float = 0.005, shape: tuple[int, ...] = ()) -> Baseline:
    """A known stable rate without noise."""
    return Baseline(
        rate=np.full(shape, rate),
        weight=np.full(shape, 1000.0),
        prior=Prior(np.ones(shape), np.zeros(shape), np.full(shape, 360.0)),
        merge=np.ones(shape),
        teach=np.zeros(shape),
    )


def quiet_history(rate: float = 0.005, *, pods: int = 10, ticks: int = 360, requests: float = 100.0) -> MetricHistory:
    """Independent requests on equal pods, drawn with a fixed seed."""
    rng = np.random.default_rng(7)
    samples = {
        f"stable-{pod}": np.stack(
            [np.full(ticks, requests), rng.binomial(int(requests), rate, ticks)], axis=-1
        ).tolist()
        for pod in range(pods)
    }
    return MetricHistory(pods=samples)


def plan(*metrics: MetricPlan, **changes: float) -> JudgePlan:
    """A plan of these metrics, by default one count metric ``errors``."""
    return JudgePlan(metrics=metrics or (MetricPlan("errors", "count"),), **changes)  # type: ignore[arg-type]


def window(number: int) -> Window:
    """The n-th window of a rollout that began at ``START``."""
    return Window(START + number * STEP, START + (number + 1) * STEP)


def feed(
    state: judge.JudgeState,
    ticks: int,
    sample: Callable[[int], Sample],
    *,
    name: str = "errors",
    first: int = 0,
    weight: float | None = 0.05,
) -> judge.JudgeState:
    """The judge after these windows of one metric."""
    for number in range(first, first + ticks):
        state = judge.observe(state, window(number), {name: sample(number)}, weight=weight)
    return state


def counter(arm: str, pod: str, role: str, values: Sequence[float | None], first: int = 0) -> PodSeries:
    """A raw counter with these values on the grid; None where the sample is missing."""
    points = [(START + (first + i) * STEP, v) for i, v in enumerate(values) if v is not None]
    return PodSeries(arm=arm, pod=pod, role=role, points=points)  # type: ignore[arg-type]


def autoregressive(rng: np.random.Generator, shape: tuple[int, int], rho: float, spread: float = 0.3) -> Array:
    """Positive noise with mean 1 and this coefficient of variation, lognormal AR(1) along the first axis."""
    shocks, level = rng.standard_normal(shape), np.empty(shape)
    level[0] = shocks[0]
    for t in range(1, shape[0]):
        level[t] = rho * level[t - 1] + np.sqrt(1 - rho**2) * shocks[t]
    sigma = np.sqrt(np.log1p(spread**2))
    return array(np.exp(sigma * level - sigma**2 / 2))


def bad_requests(rng: np.random.Generator, mean: float, shape: tuple[int, int], noise: str) -> Array:
    """Bad requests per tick and run: independent, with noise of the arm (``ar.6``), or in bursts of four."""
    laws: dict[str, Callable[[], Array]] = {
        "independent": lambda: array(rng.poisson(mean, shape)),
        "ar.6": lambda: array(rng.poisson(mean * autoregressive(rng, shape, 0.6))),
        "bursts": lambda: array(4 * rng.poisson(mean / 4, shape)),
    }
    return laws[noise]()
