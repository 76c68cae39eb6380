"""What Prometheus learns from a model server: requests by status code, and how long they took.

The metric names are a contract with the operator's analysis (docs/adr/0002-the-model-server.md). With several worker
processes, whichever is asked answers for all, through files in ``PROMETHEUS_MULTIPROC_DIR``; prometheus_client reads
that variable when it is imported, so it is set before this module is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

__all__ = ["BUCKETS_SECONDS", "ServerMetrics"]

BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Evenly spread over orders of magnitude (1, 2.5, 5), from a linear model to the default time-out."""

USUAL_CODES = ("200", "400", "415", "500", "504")
"""Counted from 0 on: a counter that is born with its first error hides that error from a difference of samples."""


class ServerMetrics:
    """Counts ``/invocations`` of this process; ``others`` show what belongs to all workers already."""

    def __init__(self, model: Mapping[str, str], *others: Collector) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # series that nobody asks for
        self._others = others
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "rollmodel_server_requests", "Answered inference requests.", ["code"], registry=self._registry
        )
        self._seconds = Histogram(
            "rollmodel_server_request_duration_seconds",
            "From the last byte of an inference request to its answer.",
            buckets=BUCKETS_SECONDS,
            registry=self._registry,
        )
        for code in USUAL_CODES:
            self._requests.labels(code)
        Gauge(
            "rollmodel_server_model_info",
            "The model that is served; always 1.",
            list(model),
            registry=self._registry,
            multiprocess_mode="max",
        ).labels(**model).set(1)

    @property
    def registry(self) -> CollectorRegistry:
        """For counters of this process that are shown beside these."""
        return self._registry

    def observe(self, code: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.labels(str(code)).inc()
        self._seconds.observe(seconds)

    def render(self) -> bytes:
        """All metrics in Prometheus' text format, those of the other workers included."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry) + self._render_others()
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        return generate_latest(shared) + self._render_others()

    def _render_others(self) -> bytes:
        registry = CollectorRegistry()
        for other in self._others:
            registry.register(other)
        return generate_latest(registry)
