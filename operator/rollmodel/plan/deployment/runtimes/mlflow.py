"""MLflow models on our own server (``rollmodel serve``). Prometheus names: see :mod:`rollmodel.serving`."""

from __future__ import annotations

from rollmodel.api.modeldeployment import MetricPreset
from rollmodel.plan.deployment.runtimes.preset import Counter, Counts, Histogram, Preset

__all__ = ["MLFLOW"]

_LATENCY = Histogram(Counter("rollmodel_server_request_duration_seconds_bucket"))

MLFLOW = Preset(
    own_image=True,
    port=8080,
    ready_path="/ready",
    live_path="/ping",
    paths=("/invocations", "/ping"),
    command=("rollmodel",),
    args=("serve", "--model", "{model}", "--port", "{port}", "--workers", "{workers}"),
    read_only_root=True,
    measures={
        MetricPreset.ERRORS: Counts(
            bad=Counter("rollmodel_server_requests_total", 'code=~"5.."'),
            total=Counter("rollmodel_server_requests_total"),
        ),
        MetricPreset.CLIENT_ERRORS: Counts(
            bad=Counter("rollmodel_server_requests_total", 'code=~"4.."'),
            total=Counter("rollmodel_server_requests_total"),
        ),
        MetricPreset.SLOW_REQUESTS: _LATENCY,
        MetricPreset.LATENCY: _LATENCY,
    },
)
