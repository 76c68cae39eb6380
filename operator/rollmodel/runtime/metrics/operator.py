"""The operator's own metrics for Prometheus.

Nothing is labelled by version or digest: those come and go without end. What there is per object is computed when it
is scraped, from a few numbers that are dropped with the object.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rollmodel.errors import Conflict, NotFound, RollmodelError
from rollmodel.plan.decision import Reading
from rollmodel.plan.manifest import Manifest
from rollmodel.runtime.metrics.drift import DriftInstruments
from rollmodel.runtime.metrics.evidence import EvidenceInstruments
from rollmodel.runtime.metrics.rollouts import RolloutInstruments
from rollmodel.runtime.metrics.training import TrainingInstruments

__all__ = ["Instruments"]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
#: How many words for causes there may be, and what stands for all others.
_MOST_CAUSES, _OTHER = 64, "Other"


class Instruments(Collector):
    """Everything that the operator counts. One instance per process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._causes: set[str] = set()
        self._leads: Callable[[], bool] = lambda: True
        self._wrong_rules: Callable[[], int] = lambda: 0
        self._passes, self._seconds = _of_passes(self.registry)
        self._calls, self._call_errors = _of_requests(self.registry)
        self._verdicts = Counter(
            "rollmodel_verdicts", "Decisions that fell over revisions.", ["verdict", "reason"], registry=self.registry
        )
        self._trainings = Counter(
            "rollmodel_trainings",
            "TrainingJobs that came to their end: Succeeded, or the reason why not.",
            ["outcome"],
            registry=self.registry,
        )
        self._rollouts = RolloutInstruments(self.registry)
        self._drift = DriftInstruments(self.registry)
        self._training = TrainingInstruments(self.registry)
        self._evidence = EvidenceInstruments(self.registry)
        self.registry.register(self)

    @contextmanager
    def pass_over(self, kind: str) -> Iterator[None]:
        """Around one pass."""
        started, result = time.monotonic(), "crash"
        try:
            yield
            result = "success"
        except (Conflict, NotFound):  # of the object itself: it was deleted meanwhile
            result = "conflict"
            raise
        except (RollmodelError, TimeoutError):
            result = "error"
            raise
        finally:
            self._passes.labels(kind, result).inc()
            self._seconds.labels(kind).observe(time.monotonic() - started)

    @contextmanager
    def call(self, neighbour: str) -> Iterator[None]:
        """Around one request to a neighbour."""
        started = time.monotonic()
        try:
            yield
        except RollmodelError as error:
            self._call_errors.labels(neighbour, error.reason).inc()
            raise
        finally:
            self._calls.labels(neighbour).observe(time.monotonic() - started)

    def on_pass(
        self,
        uid: str,
        before: Manifest,
        after: Manifest,
        *,
        sample_age: float | None = None,
        readings: Sequence[Reading] | None = None,
    ) -> None:
        """A pass over an object ended: it was ``before``, it is ``after``. For the others see ``Decision``."""
        status = after.get("status", {})
        if after["kind"] == "TrainingJob":
            outcome = _ended(status)
            if outcome is not None and _ended(before.get("status", {})) is None:
                self._trainings.labels(self._cause({"cause": outcome})).inc()
            self._training.on_pass(uid, before, after)
        if after["kind"] == "DriftPolicy":
            self._drift.on_pass(uid, before, after, readings)
            return
        for entry in _new_entries(before.get("status", {}), status):
            self._verdicts.labels(entry["verdict"], self._cause(entry)).inc()
        if after["kind"] == "ModelDeployment":
            self._rollouts.on_pass(uid, after, sample_age)
            self._evidence.on_pass(uid, after)

    def _cause(self, entry: Mapping[str, Any]) -> str:
        """Why it fell, as a label: one of a bounded number of words, though some are of others."""
        cause: str = entry.get("cause") or _OTHER
        if len(self._causes) < _MOST_CAUSES:
            self._causes.add(cause)
        return cause if cause in self._causes else _OTHER

    def ask_who_leads(self, leads: Callable[[], bool]) -> None:
        """Whether this operator leads is asked at each scrape. One without an election always does."""
        self._leads = leads

    def ask_rules(self, not_understood: Callable[[], int]) -> None:
        """How many ConfigMaps with rules of rollouts are not understood is asked at each scrape."""
        self._wrong_rules = not_understood

    def forget(self, uid: str) -> None:
        """The object is gone: so are its series."""
        self._rollouts.forget(uid)
        self._drift.forget(uid)
        self._training.forget(uid)
        self._evidence.forget(uid)

    def collect(self) -> Iterator[Metric]:
        """Called by prometheus_client at each scrape."""
        leader = GaugeMetricFamily("rollmodel_leader", "1 if this operator works, 0 if it stands by for another.")
        leader.add_metric([], float(self._leads()))
        yield from (leader, self._rules())

    def _rules(self) -> Metric:
        wrong = GaugeMetricFamily(
            "rollmodel_coordination_invalid",
            "ConfigMaps with rules of rollouts that are not understood; the last good ones hold, or nothing begins.",
        )
        wrong.add_metric([], float(self._wrong_rules()))
        return wrong


def _of_passes(registry: CollectorRegistry) -> tuple[Counter, Histogram]:
    """How passes ended, and how long they took."""
    passes = Counter(
        "rollmodel_reconcile",
        "Passes over objects, by how they ended: success, conflict (read again), error, crash (a bug).",
        ["kind", "result"],
        registry=registry,
    )
    seconds = Histogram(
        "rollmodel_reconcile_seconds",
        "Duration of passes, in seconds.",
        ["kind"],
        buckets=_SECONDS,
        registry=registry,
    )
    return passes, seconds


def _of_requests(registry: CollectorRegistry) -> tuple[Histogram, Counter]:
    """How long requests to neighbours took, and how many failed."""
    calls = Histogram(
        "rollmodel_neighbour_request_seconds",
        "Duration of requests to neighbours (registry, tracking, prometheus, webhook), in seconds.",
        ["neighbour"],
        buckets=_SECONDS,
        registry=registry,
    )
    errors = Counter(
        "rollmodel_neighbour_errors",
        "Failed requests to neighbours.",
        ["neighbour", "reason"],
        registry=registry,
    )
    return calls, errors


def _ended(status: Mapping[str, Any]) -> str | None:
    """How a training ended; None while it has not."""
    for condition in status.get("conditions", ()):
        if condition["type"] == "Succeeded" and condition["status"] != "Unknown":
            return "Succeeded" if condition["status"] == "True" else str(condition["reason"])
    return None


def _new_entries(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    known = before.get("history", [])
    return [entry for entry in after.get("history", []) if entry not in known]
