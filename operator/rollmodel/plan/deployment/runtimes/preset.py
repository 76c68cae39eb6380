"""What a preset says about a model server: how to start, probe and measure it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rollmodel.api.modeldeployment import MetricPreset

__all__ = ["OPEN_INFERENCE", "Counter", "Counts", "Histogram", "Preset"]

#: Inference by the Open Inference Protocol; the same service also loads and unloads models, which is nobody's business.
OPEN_INFERENCE = tuple(
    f"/inference.GRPCInferenceService/{method}" for method in ("ModelInfer", "ModelStreamInfer", "ModelMetadata")
)


@dataclass(frozen=True, slots=True)
class Counter:
    """A Prometheus counter. ``or_metric`` is the name that other versions of the server give it."""

    metric: str
    matchers: str = ""
    or_metric: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """All requests, and the bad ones among them."""

    bad: Counter
    total: Counter


@dataclass(frozen=True, slots=True)
class Histogram:
    """A Prometheus histogram of seconds, by the name of its ``_bucket`` series."""

    buckets: Counter


@dataclass(frozen=True, slots=True)
class Preset:
    """A model server as data.

    ``command``, ``args`` and ``env`` may use ``{model}`` (folder of the model), ``{models}`` (its parent), ``{name}``
    (of the ModelDeployment), ``{port}``, ``{grpc_port}`` and ``{workers}``; the paths ``{name}``. A metric of
    ``MetricPreset`` stands in ``measures``, or in ``cannot`` with the reason and the way out.
    """

    port: int
    ready_path: str
    live_path: str | None
    command: Sequence[str] = ()
    args: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    paths: Sequence[str] = ("/",)
    """What a route publishes, each with all below it: where clients ask for predictions. May use ``{name}``."""
    grpc_port: int | None = None
    """Where it speaks gRPC; None: it does not, or nobody knows where."""
    grpc_paths: Sequence[str] = ("/",)
    """What a GRPCRoute publishes: ``/SERVICE`` or ``/SERVICE/METHOD``."""
    own_image: bool = False
    """True: the operator's server image is the default. False: ``runtime.image`` must be given."""
    metrics_port: int | None = None
    """Where ``/metrics`` is, if not on ``port``."""
    read_only_root: bool = False
    run_as_user: int | None = None
    """User ID of the server, where its official image would start as root, which `runAsNonRoot` refuses."""
    shared_memory: bool = False
    start_seconds: int = 600
    """How long loading the model may take before the container is restarted."""
    measures: Mapping[MetricPreset, Counts | Histogram] = field(default_factory=dict)
    cannot: Mapping[MetricPreset, str] = field(default_factory=dict)
