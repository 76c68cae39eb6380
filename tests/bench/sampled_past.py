"""Whether a verdict about latency is worse where the past is that of some of the pods, as with 1,000 of them.

    python -m tests.bench.sampled_past --runs 100

Each stable pod has a pace of its own, which wanders (a lognormal factor, autocorrelation 0.7 from window to window).
The judge begins once with the past of all pods, and once with that of a thirteenth of them; then both see the same
windows of a candidate with a twentieth of the pods.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rollmodel.evidence import judge
from rollmodel.evidence.core.samples import HistogramSample, Window
from rollmodel.evidence.core.types import JudgePlan, MetricHistory, MetricPlan
from scipy.stats import norm

__all__ = ["Outcome", "main", "measure"]

EDGES = tuple(0.005 * 1.6**i for i in range(16))
PODS, PAST, WINDOWS, REQUESTS = 260, 240, 120, 100.0
WANDERS, KEEPS, SPREAD = 0.04, 0.7, 0.6
PART = 1 / 13

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """How many of ``runs`` ended in which way, with the past of all pods and of some."""

    factor: float
    past: str
    runs: int
    rolled_back: int
    safe: int
    dispersion: float


def paces(rng: np.random.Generator, pods: int, windows: int) -> Array:
    """The factor on a pod's times in each window [windows, pods]."""
    noise = rng.normal(size=(windows, pods)) * WANDERS
    for now in range(1, windows):
        noise[now] = KEEPS * noise[now - 1] + np.sqrt(1 - KEEPS**2) * noise[now]
    return np.exp(noise)


def buckets(rng: np.random.Generator, factors: Array) -> Array:
    """Requests by bucket [windows, pods, buckets] of times that are lognormal about 0.1 s times the factor."""
    bounds = (np.log(EDGES) - np.log(0.1 * factors[..., None])) / SPREAD
    below = np.concatenate([norm.cdf(bounds), np.ones((*factors.shape, 1))], axis=-1)
    return rng.poisson(REQUESTS * np.diff(below, axis=-1, prepend=0.0)).astype(float)


def verdicts(history: MetricHistory, candidate: Array, stable: Array) -> tuple[str, float]:
    """The outcome of a rollout, and the dispersion that the judge goes by at its end."""
    plan = JudgePlan([MetricPlan("latency", "latency", safe_ratio=1.25)], candidate_share=0.05, check_share=False)
    state = judge.begin(plan, {"latency": history}, 0.0)
    outcome = judge.assess(state)
    for now, (a, b) in enumerate(zip(candidate, stable, strict=True)):
        sample = HistogramSample(EDGES, a.tolist(), b.tolist())
        window = Window(now * plan.interval, (now + 1) * plan.interval)
        state = judge.observe(state, window, {"latency": sample}, weight=0.05)
        outcome = judge.assess(state)
        if outcome.outcome in {"Harm", "Safe"}:
            break
    return outcome.outcome, outcome.metrics[0].dispersion


def measure(factor: float, runs: int) -> Iterator[Outcome]:
    """Runs with a candidate whose times are so many times the stable ones."""
    ends: dict[str, list[tuple[str, float]]] = {"all": [], "some": []}
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        past = buckets(rng, paces(rng, PODS, PAST))
        stable = buckets(rng, paces(rng, PODS, WINDOWS)).sum(axis=1)
        candidate = buckets(rng, factor * paces(rng, PODS // 20, WINDOWS)).sum(axis=1)
        for name, part in (("all", 1.0), ("some", PART)):
            chosen = range(round(PODS * part))
            history = MetricHistory({f"pod-{pod}": past[:, pod].tolist() for pod in chosen}, EDGES, part)
            ends[name].append(verdicts(history, candidate, stable))
    for name, found in ends.items():
        words = [word for word, _ in found]
        spread = float(np.median([dispersion for _, dispersion in found]))
        yield Outcome(factor, name, runs, words.count("Harm"), words.count("Safe"), spread)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--factors", type=float, nargs="*", default=[1.0, 1.1, 1.3])
    options = parser.parse_args()
    print("| times | past of | runs | rolled back | safe | dispersion |\n|---|---|---|---|---|---|")
    for factor in options.factors:
        for one in measure(factor, options.runs):
            cells = (one.factor, one.past, one.runs, one.rolled_back, one.safe, f"{one.dispersion:.1f}")
            print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
