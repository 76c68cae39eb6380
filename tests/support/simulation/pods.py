"""Pods that are simulated: how they behave, what the API server shows of them, and what they count."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

from rollmodel.plan import naming
from rollmodel.plan.deployment.analysis.signals.signal import MetricQuery

__all__ = ["COLD_SECONDS", "LABEL_SECONDS", "Behaviour", "Pod", "PodKind", "differences_of", "pod_status", "series_of"]

PodKind = Literal["good", "crash", "never", "mismatch", "no-image"]


#: Labels come this long after the request.
LABEL_SECONDS = 120
#: How long a pod's caches are cold.
COLD_SECONDS = 300

Roles = list[tuple[dict[str, str], list[tuple[float, float]]]]


@dataclass(frozen=True)
class Behaviour:
    """How a revision behaves: its pods, the share of its requests that fail (or turn out wrong, where labels are asked
    for), how slow it is (1 is as usual), and what a request costs.
    """

    pods: PodKind = "good"
    bad: float = 0.01
    slow: float = 1.0
    cost: float = 1.0
    answers: bool = True
    """Whether requests are answered at all; they are counted when they are."""
    differs: float = 0.0
    """The share of copies to which it answers something else than the stable revision."""
    shift: float = 0.0
    """By how much its numbers are higher than those of the stable revision on average, with a deviation of 0.05."""
    pairs: bool = True
    """Whether its pods find those of the stable revision."""
    cold: float = 0.0
    """The share of requests that fail beside in a pod that is younger than COLD_SECONDS."""


@dataclass
class Pod:
    """One pod: when it was born, whether it is ready, and its raw counters by time."""

    name: str
    revision: str
    born: datetime
    ready: bool = False
    restarts: int = 0
    total: float = 0.0
    failed: float = 0.0
    load: float | None = None
    """What its requests cost in the last tick, per second; None before there are metrics of it."""
    points: list[tuple[float, float, float]] = field(default_factory=list)
    paired: float = 0.0
    pairs: list[tuple[float, float, float]] = field(default_factory=list)
    """Pairs, and those that differ, by time."""

    def bad(self, behaviour: Behaviour, now: datetime) -> float:
        """The share of its requests that fail now."""
        is_cold = (now - self.born).total_seconds() < COLD_SECONDS
        return behaviour.bad + (behaviour.cold if is_cold else 0.0)


def series_of(pod: Pod, behaviour: Behaviour, query: str, *, start: float, end: float, step: float) -> Roles:
    """The pod's raw counters on a grid: by role, or by bucket where the query asks for buckets."""
    late = LABEL_SECONDS if "labels" in query else 0
    points = [(t + late, total, failed) for t, total, failed in pod.points]
    grid = [point for point in points if start <= point[0] <= end and point[0] % step == 0]
    if not grid:
        return []
    if "_bucket" in query:
        return _buckets(grid, behaviour.slow)
    return _means(grid, behaviour.cost, pod.name) if "cost" in query else _counts(grid)


def differences_of(points: list[tuple[float, float, float]], behaviour: Behaviour, query: MetricQuery) -> Roles:
    """The counters of pairs by how much they differ."""
    grid = [(t, n) for t, n, _ in points if query.start <= t <= query.end and t % query.step == 0]
    sums = {
        "total": 1.0,
        "up": max(behaviour.shift, 0.0),
        "down": max(-behaviour.shift, 0.0),
        "squares": behaviour.shift**2 + 0.05**2,
    }
    return [({"role": role}, [(t, n * part) for t, n in grid]) for role, part in sums.items()] if grid else []


def _counts(grid: list[tuple[float, float, float]]) -> Roles:
    total, bad = [(t, total) for t, total, _ in grid], [(t, failed) for t, _, failed in grid]
    return [({"role": "total"}, total), ({"role": "bad"}, bad)]


def _means(grid: list[tuple[float, float, float]], cost: float, pod: str) -> Roles:
    """What all requests cost, with some noise, and how many there were."""
    noise = [30 * sha256(f"{pod} {t}".encode()).digest()[0] / 255 for t, _, _ in grid]
    costs = [(t, total * cost + extra) for (t, total, _), extra in zip(grid, noise, strict=True)]
    return [({"role": "sum"}, costs), ({"role": "count"}, [(t, total) for t, total, _ in grid])]


def _buckets(grid: list[tuple[float, float, float]], slow: float) -> Roles:
    """Latencies that are exponential with a mean of 80 ms, times ``slow``."""
    shares = {edge: 1 - math.exp(-float(edge) / (0.08 * slow)) for edge in ("0.02", "0.05", "0.1", "0.25", "0.5")}
    shares["+Inf"] = 1.0
    return [({"le": edge}, [(t, round(total * share)) for t, total, _ in grid]) for edge, share in shares.items()]


def pod_status(pod: Pod, behaviour: Behaviour) -> dict[str, Any]:
    """A pod as the API server shows it."""
    containers: list[dict[str, Any]] = [{"name": "model", "restartCount": pod.restarts, "state": {}, "image": "server"}]
    inits: list[dict[str, Any]] = []
    if pod.restarts:
        containers[0]["lastState"] = {"terminated": {"exitCode": 1, "message": "out of luck"}}
    if behaviour.pods == "mismatch":
        ended = {"exitCode": 1, "message": "DigestMismatch: expected sha256:aa, got sha256:bb"}
        inits = [{"name": "fetch-model", "restartCount": 1, "state": {"terminated": ended}}]
    if behaviour.pods == "no-image":
        containers[0]["state"] = {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}
    return {
        "metadata": {"name": pod.name, "labels": {naming.REVISION: pod.revision}},
        "status": {"initContainerStatuses": inits, "containerStatuses": containers},
    }
