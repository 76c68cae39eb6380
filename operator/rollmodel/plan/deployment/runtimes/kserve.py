"""KServe's Python servers (sklearnserver, huggingfaceserver, ...): no request counter, so no error rate."""

from __future__ import annotations

from rollmodel.api.modeldeployment import MetricPreset
from rollmodel.plan.deployment.runtimes.preset import OPEN_INFERENCE, Counter, Histogram, Preset

__all__ = ["KSERVE"]

_NO_STATUS = "KServe's servers count no requests by status; use `counts` with a query of your gateway"
_LATENCY = Histogram(Counter("request_predict_seconds_bucket"))

KSERVE = Preset(
    port=8080,
    grpc_port=8081,
    grpc_paths=OPEN_INFERENCE,
    ready_path="/v2/models/{name}/ready",
    live_path="/v2/health/live",
    paths=("/v1/models", "/v2/models", "/openai"),
    args=(
        "--model_name={name}",
        "--model_dir={model}",
        "--http_port={port}",
        "--grpc_port={grpc_port}",
        "--workers={workers}",
    ),
    measures={MetricPreset.SLOW_REQUESTS: _LATENCY, MetricPreset.LATENCY: _LATENCY},
    cannot=dict.fromkeys((MetricPreset.ERRORS, MetricPreset.CLIENT_ERRORS), _NO_STATUS),
)
