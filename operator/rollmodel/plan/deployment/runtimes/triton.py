"""NVIDIA Triton. The artifact is one folder of a model repository (``config.pbtxt``, ``1/``), served as ``model``.

The image starts as root; its user 1000 (``triton-server``) is made for serving. Its latencies are
sums of microseconds, so there are no quantiles (user guide, "Metrics").
"""

from __future__ import annotations

from rollmodel.api.modeldeployment import MetricPreset
from rollmodel.plan.deployment.runtimes.preset import OPEN_INFERENCE, Counter, Counts, Preset

__all__ = ["TRITON"]

_NO_STATUS = "Triton counts no requests by status; use `counts` with a query of your gateway"
_NO_HISTOGRAM = "Triton has no latency histogram; use `counts` or `value` with a query of your gateway"

TRITON = Preset(
    port=8000,
    metrics_port=8002,
    grpc_port=8001,
    grpc_paths=OPEN_INFERENCE,
    ready_path="/v2/health/ready",
    live_path="/v2/health/live",
    paths=tuple(f"/v2/models/model/{verb}" for verb in ("infer", "generate", "generate_stream")),
    command=("tritonserver",),
    args=("--model-repository={models}", "--http-port={port}", "--grpc-port={grpc_port}", "--metrics-port=8002"),
    shared_memory=True,
    run_as_user=1000,
    start_seconds=1800,
    measures={
        MetricPreset.ERRORS: Counts(
            bad=Counter("nv_inference_request_failure"),
            total=Counter("", '__name__=~"nv_inference_request_(success|failure)"'),
        ),
    },
    cannot={
        MetricPreset.CLIENT_ERRORS: _NO_STATUS,
        MetricPreset.SLOW_REQUESTS: _NO_HISTOGRAM,
        MetricPreset.LATENCY: _NO_HISTOGRAM,
    },
)
