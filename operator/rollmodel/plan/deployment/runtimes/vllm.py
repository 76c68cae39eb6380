"""vLLM's OpenAI server, names of 0.33 and, after ``or``, of older versions.

A request counts when it finished, also with an error. ``Latency`` is the time per output token, since the time of a
whole answer follows its length; ``SlowRequests`` is the time to the first token. ``/v1/models`` is 200 once the model
is loaded. The image starts as root: another user needs a name, which torch asks for and the image does not know; caches
lie below HOME.
"""

from __future__ import annotations

from rollmodel.api.modeldeployment import MetricPreset
from rollmodel.plan.deployment.runtimes.preset import Counter, Counts, Histogram, Preset

__all__ = ["VLLM"]

VLLM = Preset(
    port=8000,
    ready_path="/v1/models",
    live_path="/health",
    paths=("/v1/models", "/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/embeddings"),
    command=("vllm",),
    args=("serve", "{model}", "--served-model-name", "{name}", "--port", "{port}"),
    shared_memory=True,
    run_as_user=2000,
    env={"USER": "vllm", "LOGNAME": "vllm"},
    start_seconds=1800,
    measures={
        MetricPreset.ERRORS: Counts(
            bad=Counter("vllm:request_success_total", 'finished_reason=~"error|abort"'),
            total=Counter("vllm:request_success_total"),
        ),
        MetricPreset.SLOW_REQUESTS: Histogram(Counter("vllm:time_to_first_token_seconds_bucket")),
        MetricPreset.LATENCY: Histogram(
            Counter("vllm:inter_token_latency_seconds_bucket", or_metric="vllm:time_per_output_token_seconds_bucket")
        ),
    },
    cannot={
        MetricPreset.CLIENT_ERRORS: "vLLM counts no refused requests; use `counts` with a query of your gateway",
    },
)
