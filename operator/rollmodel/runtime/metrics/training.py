"""What the operator counts of TrainingJobs: by namespace and outcome, since runs come and go without end."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rollmodel.plan.manifest import Manifest
from rollmodel.plan.times import parse

__all__ = ["STATES", "TrainingInstruments"]

#: What a TrainingJob does. `Scheduled`: it starts others; `Waiting`: for its turn, its pods, or MLflow.
STATES = ("Waiting", "Running", "Stalled", "Suspended", "Scheduled", "Succeeded", "Failed")
_SECONDS = (30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0, 86400.0, 259200.0)


@dataclass(frozen=True, slots=True)
class _Job:
    namespace: str
    name: str
    state: str
    succeeded: float | None
    """When the last run of a schedule ended well, in unix seconds."""


class TrainingInstruments(Collector):
    """Registers itself; :class:`rollmodel.runtime.metrics.operator.Instruments` has one."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._jobs: dict[str, _Job] = {}
        self._seconds = Histogram(
            "rollmodel_training_seconds",
            "From the first pod of a training to its end, in seconds.",
            ["result"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._attempts = Counter(
            "rollmodel_training_attempts",
            "Attempts at trainings that ended badly: Failure by their own fault, Disruption by the cluster.",
            ["result"],
            registry=registry,
        )
        self._gpu = Counter(
            "rollmodel_training_gpu_seconds",
            "GPUs times seconds of attempts that ended.",
            ["namespace"],
            registry=registry,
        )
        registry.register(self)

    def on_pass(self, uid: str, before: Manifest, after: Manifest) -> None:
        """A pass over a TrainingJob ended."""
        old, new, meta = before.get("status", {}), after.get("status", {}), after["metadata"]
        self._jobs[uid] = _Job(meta["namespace"], meta["name"], _state(new), _last_success(new))
        tried, known = new.get("attempts") or {}, old.get("attempts") or {}
        for field, result in (("failures", "Failure"), ("disruptions", "Disruption")):
            self._attempts.labels(result).inc(max(0, tried.get(field, 0) - known.get(field, 0)))
        more = (tried.get("gpuSeconds") or 0) - (known.get("gpuSeconds") or 0)
        self._gpu.labels(meta["namespace"]).inc(max(0, more))
        state, ended = _state(new), new.get("completionTime")
        if state in {"Succeeded", "Failed"} and _state(old) != state and ended and new.get("startTime"):
            self._seconds.labels(state).observe(max(0.0, _seconds(ended) - _seconds(new["startTime"])))

    def forget(self, uid: str) -> None:
        """The object is gone: so are its series."""
        self._jobs.pop(uid, None)

    def collect(self) -> Iterator[Metric]:
        """Called by prometheus_client at each scrape."""
        jobs = list(self._jobs.values())
        number = GaugeMetricFamily(
            "rollmodel_training_jobs",
            f"TrainingJobs by what they do: {', '.join(STATES)}.",
            labels=["namespace", "state"],
        )
        tally = Tally((one.namespace, one.state) for one in jobs)
        for namespace in sorted({one.namespace for one in jobs}):
            for state in STATES:
                number.add_metric([namespace, state], tally[namespace, state])
        last = GaugeMetricFamily(
            "rollmodel_training_last_success_timestamp_seconds",
            "When the last run of a schedule ended well, in unix seconds.",
            labels=["namespace", "name"],
        )
        for one in jobs:
            if one.succeeded is not None:
                last.add_metric([one.namespace, one.name], one.succeeded)
        yield from (number, last)


def _state(status: Mapping[str, Any]) -> str:
    conditions = {one["type"]: one for one in status.get("conditions", ())}
    succeeded = conditions.get("Succeeded", {})
    if succeeded.get("status") in {"True", "False"}:
        return "Succeeded" if succeeded["status"] == "True" else "Failed"
    if conditions.get("Stalled", {}).get("status") == "True":
        return "Stalled"
    if succeeded.get("reason") == "Suspended":
        return "Suspended"
    if status.get("schedule") is not None:
        return "Scheduled"
    return "Running" if conditions.get("Running", {}).get("status") == "True" else "Waiting"


def _last_success(status: Mapping[str, Any]) -> float | None:
    moment = (status.get("schedule") or {}).get("lastSuccessfulTime")
    return _seconds(moment) if moment else None


def _seconds(moment: str) -> float:
    return parse(moment).timestamp()
