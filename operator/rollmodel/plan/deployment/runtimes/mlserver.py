"""Seldon MLServer with its MLflow runtime.

``/v2/health/ready`` is 200 even when no model is loaded (SeldonIO/MLServer#2056), so readiness asks for the model.
Names as MLServer 1.7.1 exposes them; its documentation has other label names. Inference is POST, probes are GET.
"""

from __future__ import annotations

from rollmodel.api.modeldeployment import MetricPreset
from rollmodel.plan.deployment.runtimes.preset import OPEN_INFERENCE, Counter, Counts, Histogram, Preset

__all__ = ["MLSERVER"]

_LATENCY = Histogram(Counter("rest_server_request_duration_seconds_bucket", 'method="POST"'))

MLSERVER = Preset(
    port=8080,
    metrics_port=8082,
    grpc_port=8081,
    grpc_paths=OPEN_INFERENCE,
    ready_path="/v2/models/{name}/ready",
    live_path="/v2/health/live",
    paths=("/v2/models/{name}", "/invocations"),
    command=("mlserver",),
    args=("start", "{model}"),
    env={
        "MLSERVER_HTTP_PORT": "{port}",
        "MLSERVER_GRPC_PORT": "{grpc_port}",
        "MLSERVER_METRICS_PORT": "8082",
        "MLSERVER_PARALLEL_WORKERS": "{workers}",
        "MLSERVER_MODEL_NAME": "{name}",
        "MLSERVER_MODEL_URI": "{model}",
        "MLSERVER_MODEL_IMPLEMENTATION": "mlserver_mlflow.MLflowRuntime",
    },
    measures={
        MetricPreset.ERRORS: Counts(
            bad=Counter("rest_server_requests_total", 'method="POST",status_code=~"5.."'),
            total=Counter("rest_server_requests_total", 'method="POST"'),
        ),
        MetricPreset.CLIENT_ERRORS: Counts(
            bad=Counter("rest_server_requests_total", 'method="POST",status_code=~"4.."'),
            total=Counter("rest_server_requests_total", 'method="POST"'),
        ),
        MetricPreset.SLOW_REQUESTS: _LATENCY,
        MetricPreset.LATENCY: _LATENCY,
    },
)
