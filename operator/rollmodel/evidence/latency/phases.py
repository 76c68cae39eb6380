"""The two phases of a latency metric: its curve is learnt, then it is judged over that curve.

The guard of a cold start is there in both, where nothing is known of the noise: half of the risk is its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Any

import numpy as np

from rollmodel.evidence import glaring, levels
from rollmodel.evidence.core.arrays import Array, array, from_plain, to_plain
from rollmodel.evidence.core.checks import edges_problem
from rollmodel.evidence.core.evalue import Margin, Pair, margin
from rollmodel.evidence.core.mixture import Mixture, log_total, part_of
from rollmodel.evidence.core.samples import HistogramSample
from rollmodel.evidence.core.types import JudgePlan, MetricHistory, MetricPlan
from rollmodel.evidence.latency import bins, cold_start
from rollmodel.evidence.latency import model as latency
from rollmodel.evidence.latency.bins import LatencyConfig
from rollmodel.evidence.latency.cold_start import Guard
from rollmodel.evidence.latency.model import LatencyState
from rollmodel.evidence.noise import latency_noise
from rollmodel.evidence.noise.dispersion import Prior
from rollmodel.evidence.noise.noise import LEAST_SECONDS, TEACHING_TICKS, placebo_split

__all__ = [
    "Judging",
    "Learning",
    "begin",
    "log_harm",
    "observe",
    "plain",
    "positive",
    "read",
    "words",
]

#: Without history the stable curve is learnt from the first ticks: so many, and so many requests.
LEARNING_TICKS, LEARNING_REQUESTS = 10.0, 300.0


@dataclass(frozen=True, slots=True)
class Learning:
    """A metric without history: stable requests per bucket so far; no ``edges`` before the first window."""

    edges: Array
    counts: Array
    ticks: float
    guard: Guard


@dataclass(frozen=True, slots=True)
class Judging:
    """A metric with a frozen past: the stable requests per bucket [B + 1] behind ``config``, and the state."""

    edges: Array
    counts: Array
    config: LatencyConfig
    state: LatencyState
    guard: Guard


def begin(plan: JudgePlan, metric: MetricPlan, history: MetricHistory) -> Learning | Judging:
    """Freeze edges and noise over the stable arm's past, as far as there is one."""
    pods = {name: positive(history.edges, array(samples)) for name, samples in history.pods.items() if len(samples)}
    total = np.sum(list(pods.values()), axis=0) if pods else np.zeros(0)
    if edges_problem(history.edges) or total.sum() < LEARNING_REQUESTS:
        return Learning(np.zeros(0), np.zeros(0), 0.0, _guard(plan, metric))
    judging = _judging(plan, metric, array([edge for edge in history.edges if edge > 0]), total.sum(axis=0))
    config = _with_noise(plan, judging.config, pods, total)
    return _guarded(judging, config, _guard(plan, metric)) if config.teach > 0 else replace(judging, config=config)


def _with_noise(plan: JudgePlan, config: LatencyConfig, pods: Mapping[str, Array], total: Array) -> LatencyConfig:
    """The configuration with what the stable pods' ticks [T, B + 1] say about noise."""
    if len(total) * plan.interval < LEAST_SECONDS:
        return latency_noise.unknown(config, TEACHING_TICKS)
    chosen = placebo_split(pods, plan.candidate_share)
    if not chosen:
        return latency_noise.from_total(config, total)
    placebo = np.sum([pods[name] for name in chosen], axis=0)
    return latency_noise.from_split(config, Pair(placebo, total - placebo))


def _judging(plan: JudgePlan, metric: MetricPlan, edges: Array, counts: Array) -> Judging:
    """A metric at its begin, over this stable histogram, without a guard."""
    config = bins.configure(
        edges,
        counts,
        harm=_line(metric),
        safe=margin(metric.safe_ratio, metric.safe_absolute),
        levels=levels.of_metric(plan, metric),
    )
    return Judging(edges, counts, config, latency.begin(config), cold_start.absent(_guard(plan, metric)))


def _guarded(judging: Judging, config: LatencyConfig, guard: Guard) -> Judging:
    """With a guard, which takes its part of the risk where it is in use."""
    part = float(glaring.main_part(config.teach)) if cold_start.in_use(guard) else 1.0
    state = replace(judging.state, harm=part_of(judging.state.harm, array(part)))
    return replace(judging, config=config, state=state, guard=guard)


def _line(metric: MetricPlan) -> Margin:
    return margin(metric.harm_ratio, metric.harm_absolute)


def _prior(plan: JudgePlan, metric: MetricPlan) -> Mixture:
    return glaring.prior(levels.of_metric(plan, metric))


def _guard(plan: JudgePlan, metric: MetricPlan) -> Guard:
    return cold_start.begin(_prior(plan, metric))


def observe(
    plan: JudgePlan, metric: MetricPlan, one: Learning | Judging, sample: HistogramSample, seconds: float
) -> Learning | Judging:
    """The metric after one window."""
    candidate, stable = (positive(sample.edges, array(arm)) for arm in (sample.candidate, sample.stable))
    edges = array([edge for edge in sample.edges if edge > 0])
    guard = _watch(plan, metric, one, edges, Pair(candidate, stable))
    if isinstance(one, Judging):
        state = latency.update(one.config, one.state, Pair(candidate, stable), seconds=seconds)
        return replace(one, state=state, guard=guard)
    counts, ticks = (one.counts if len(one.edges) else 0.0) + stable, one.ticks + 1.0
    if ticks < LEARNING_TICKS or counts.sum() < LEARNING_REQUESTS:
        return Learning(edges, counts, ticks, guard)
    judging = _judging(plan, metric, edges, counts)
    return _guarded(judging, latency_noise.unknown(judging.config, TEACHING_TICKS - LEARNING_TICKS), guard)


def _watch(plan: JudgePlan, metric: MetricPlan, one: Learning | Judging, edges: Array, counts: Pair) -> Guard:
    """The guard after this window: its edges are those of what stable did before."""
    teaching = isinstance(one, Learning) or bool(one.state.noise.ticks[..., 0] < one.config.teach)
    if not teaching or not len(one.edges) or not cold_start.in_use(one.guard):
        return one.guard
    at = cold_start.edges_above(edges, one.counts, _line(metric))
    return cold_start.update(_prior(plan, metric), one.guard, counts, at=at, learning=np.asarray(True))


def log_harm(one: Learning | Judging) -> float:
    """Log of the e-process against harm; while the curve is learnt only the guard's part moves."""
    main = float(latency.log_harm(one.state)) if isinstance(one, Judging) else 0.0
    if not cold_start.in_use(one.guard):
        return main
    resting = log(float(glaring.main_part(array(1.0)))) if isinstance(one, Learning) else main
    return float(np.logaddexp(resting, log_total(one.guard.wealth)))


def words(metric: MetricPlan, one: Learning) -> str:
    """What is compared while the curve is learnt."""
    message = f"learns the stable latencies: {one.ticks:g} of {LEARNING_TICKS:g} windows"
    if not len(one.edges) or not cold_start.in_use(one.guard):
        return message
    at = cold_start.edges_above(one.edges, one.counts, _line(metric))
    if not at.usable:
        return message
    here, there = one.edges[at.a], one.edges[at.b]
    return f"{message}; until then counted as bad: slower than {here:g} s, of stable's slower than {there:g} s"


def positive(edges: Sequence[float], counts: Array) -> Array:
    """Buckets [..., B + 1] with all bounds up to 0 taken away: a time is positive."""
    first = sum(edge <= 0 for edge in edges)
    return np.concatenate([counts[..., : first + 1].sum(axis=-1, keepdims=True), counts[..., first + 1 :]], axis=-1)


def plain(one: Learning | Judging) -> Any:
    """The metric, for JSON. Without a guard that is not in use: so is the state of a rollout that began before it."""
    guard = [to_plain(one.guard)] if cold_start.in_use(one.guard) else []
    if isinstance(one, Learning):
        return ["learning", to_plain(one.edges), to_plain(one.counts), one.ticks, *guard]
    noise = (one.config.prior, one.config.merge, one.config.teach)
    return ["judging", *(to_plain(x) for x in (one.edges, one.counts, *noise, one.state)), *guard]


def read(plan: JudgePlan, metric: MetricPlan, row: Any) -> Learning | Judging:
    """The metric that :func:`plain` wrote. Raises ValueError."""
    kind, edges, counts, *rest = row
    known, size = from_plain(np.zeros(len(edges)), edges), len(edges) + 1 if edges else 0
    seen = from_plain(np.zeros(size), counts)
    like = _guard(plan, metric)
    if kind == "learning":
        ticks, *written = rest
        return Learning(known, seen, float(ticks), _read_guard(like, written))
    prior, merge, teach, state, *written = rest
    judging = _judging(plan, metric, known, seen)
    pair, zero = np.zeros(2), np.zeros(())
    config = replace(
        judging.config,
        prior=from_plain(Prior(pair, pair, pair), prior),
        merge=from_plain(zero, merge),
        teach=from_plain(zero, teach),
    )
    return replace(judging, config=config, state=from_plain(judging.state, state), guard=_read_guard(like, written))


def _read_guard(like: Guard, written: list[Any]) -> Guard:
    return from_plain(like, written[0]) if written else cold_start.absent(like)
