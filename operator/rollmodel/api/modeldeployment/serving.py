"""How the model is served: runtime, traffic."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from rollmodel.api.base import ApiModel, ObjectName, SubdomainName
from rollmodel.api.modeldeployment.inference_pool import InferencePool
from rollmodel.api.modeldeployment.pod_template import PodTemplate
from rollmodel.api.modeldeployment.prediction_log import PredictionLog
from rollmodel.api.pods import (
    Annotations,
    Arguments,
    Environment,
    ImageReference,
    OwnLabels,
    PodSecurity,
    PodSettings,
    ResourceRequirements,
)
from rollmodel.api.schema import ATOMIC, SET, PatternMessage, Rule, exactly_one_of

__all__ = ["ParentRef", "RouteRef", "Runtime", "RuntimePreset", "Traffic"]


class RuntimePreset(StrEnum):
    """Model servers that we know how to start, probe and measure."""

    MLFLOW = "MLflow"
    MLSERVER = "MLServer"
    TRITON = "Triton"
    VLLM = "VLLM"
    KSERVE = "KServe"
    CUSTOM = "Custom"


class Runtime(PodSettings):
    """How the model is served. ``preset`` gives defaults; what is written here wins."""

    rules = (
        Rule(
            "!has(self.preset) || self.preset == 'MLflow' || has(self.image)",
            "must have `image` unless `preset` is 'MLflow'",
        ),
        Rule(
            "!has(self.predictionLog) || !has(self.preset) || self.preset == 'MLflow'",
            "must have `predictionLog` only with `preset` 'MLflow': other servers have logs of their own",
        ),
        Rule(
            "!has(self.grpcPort) || has(self.preset) && self.preset in ['MLServer', 'Triton', 'KServe', 'Custom']",
            "must have `grpcPort` only with `preset` 'MLServer', 'Triton', 'KServe' or 'Custom': other servers speak no"
            " gRPC",
        ),
    )

    preset: RuntimePreset = RuntimePreset.MLFLOW
    """Model server that gives the defaults of the other fields."""
    image: ImageReference | None = None
    """Image of the model server. Default: the operator's own, for `MLflow`. Behind a tag that moves a new build goes
    past the canary; a digest (`name@sha256:...`) does not move."""
    command: Arguments | None = None
    """Command line that replaces the image's entry point."""
    args: Arguments | None = None
    """Arguments of the command."""
    env: Environment | None = None
    """Environment of the model server. A ConfigMap or Secret that is named here is no part of the revision: what
    changes in it goes past the canary, at the next start of a pod (of a ConfigMap, `ConfigChanged` says so). Give it
    a new name for new content."""
    port: Annotated[int | None, Field(ge=1, le=65535)] = None
    """Port that the model server listens on."""
    grpc_port: Annotated[int | None, Field(ge=1, le=65535)] = None
    """Port on which it speaks gRPC, for `traffic.protocol: GRPC`. Default: that of the preset; `Custom` has none. With
    `Custom` and no `readinessPath` pods are asked there whether they are ready (`grpc.health.v1`)."""
    readiness_path: Annotated[
        str | None,
        Field(max_length=256, pattern=r"^/\S*$"),
        PatternMessage("must begin with '/' and must not contain spaces"),
    ] = None
    """Path that answers 200 once the model can answer."""
    resources: ResourceRequirements | None = None
    """CPU, memory and accelerators of one pod."""
    workers: Annotated[int | None, Field(ge=1, le=64)] = None
    """Processes of the model server in one pod."""
    security_context: PodSecurity | None = None
    """User and groups of the pods. Default: those of the preset or the image; the user must not be root."""
    labels: OwnLabels | None = None
    """Labels of all that is made for this model: pods, Deployments, Services, route. New ones make a new revision."""
    annotations: Annotations | None = None
    """Annotations of all that is made for this model. New ones make a new revision."""
    pod_template: PodTemplate | None = None
    """What else the pods need, merged over them: volumes, sidecars, affinity, timings of probes. Changes make a new
    revision."""
    prediction_log: PredictionLog | None = None
    """What the server writes down of requests and answers. Omitted: nothing."""


class ParentRef(ApiModel):
    """A Gateway that the HTTPRoute attaches to. The Gateway's ``allowedRoutes`` decides about other namespaces."""

    name: SubdomainName
    """Name of the Gateway."""
    namespace: ObjectName | None = None
    """Its namespace. Default: that of the ModelDeployment."""
    section_name: SubdomainName | None = None
    """One listener of the Gateway. Default: all."""


_Hostname = Annotated[
    str,
    Field(
        min_length=1,
        max_length=253,
        pattern=r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    ),
    PatternMessage("must be a host name such as 'churn.example.com' or '*.example.com', without a port"),
]


_Path = Annotated[
    str,
    Field(max_length=1024, pattern=r"^/[^?#%\s]*$"),
    PatternMessage(
        "must begin with '/' and must not contain '//', '..', '?', '#', '%' or spaces",
        also="!self.matches('//|/[.][.]?(/|$)')",
    ),
]


_HTTP = "!has(self.protocol) || self.protocol == 'HTTP'"
_METHOD = "^/([A-Za-z_][A-Za-z0-9_.]*(/[A-Za-z_][A-Za-z0-9_]*)?)?$"


class RouteRef(ApiModel):
    """A rule of an HTTPRoute that is somebody else's. Its owner grants it by the label `rollmodel.dev/managed-by`."""

    name: SubdomainName
    """Name of the HTTPRoute, in the namespace of the ModelDeployment."""
    rule: SubdomainName
    """`name` of the rule. Its only backend is the Service with the name of the ModelDeployment, port 80."""


class Traffic(ApiModel):
    """Routing by Gateway API. Omitted: traffic is split by the ratio of replicas behind one Service."""

    rules = (
        exactly_one_of("parentRefs", "routeRef"),
        Rule(
            "!has(self.routeRef) || self.pathPrefix == '/' && !has(self.prefixRewrite) && !has(self.paths)"
            f" && !has(self.hostnames) && ({_HTTP})",
            "must not have `hostnames`, `paths`, `pathPrefix`, `prefixRewrite` or `protocol` 'GRPC' with `routeRef`:"
            " the route has its own",
        ),
        Rule(
            f"{_HTTP} || self.pathPrefix == '/' && !has(self.prefixRewrite)",
            "must not have `pathPrefix` or `prefixRewrite` with `protocol` 'GRPC': gRPC has services and methods, and a"
            " GRPCRoute rewrites none; tell models apart by `hostnames`",
        ),
        Rule(
            f"{_HTTP} || !has(self.requestTimeoutSeconds)",
            "must not have `requestTimeoutSeconds` with `protocol` 'GRPC': a GRPCRoute has no timeouts; clients set"
            " deadlines",
        ),
        Rule(
            f"{_HTTP} || !has(self.paths) || self.paths.all(path, path.matches('{_METHOD}'))",
            "must have `paths` such as '/package.Service' or '/package.Service/Method' with `protocol` 'GRPC'",
        ),
        Rule(
            f"!has(self.inferencePool) || !has(self.routeRef) && ({_HTTP})",
            "must not have `inferencePool` with `routeRef` or `protocol` 'GRPC': pools are backends of an HTTPRoute of"
            " ours",
        ),
    )

    parent_refs: Annotated[list[ParentRef] | None, Field(min_length=1, max_length=8), ATOMIC] = None
    """Gateways that receive the traffic, by a route of ours."""
    route_ref: RouteRef | None = None
    """A rule of an HTTPRoute of yours instead: its backends are changed during a rollout, and nothing else of it."""
    protocol: Literal["HTTP", "GRPC"] | None = None
    """`GRPC`: by a GRPCRoute, to `runtime.grpcPort`; it takes `features.grpcRoutes` of the chart. Default: `HTTP`."""
    inference_pool: InferencePool | None = None
    """An InferencePool for each revision, within which an endpoint picker chooses the pod; it takes
    `features.inferencePools` of the chart. Omitted: requests are spread over the pods of a Service."""
    hostnames: Annotated[list[_Hostname] | None, Field(max_length=16), SET] = None
    """Host names that lead to this model. Default: all that the Gateway's listeners accept."""
    path_prefix: _Path = "/"
    """Requests below this path lead to this model, to each of `paths`. The server sees their paths without it."""
    paths: Annotated[list[_Path] | None, Field(min_length=1, max_length=16), SET] = None
    """Paths of the server that are published, each with all below it. Default: those by which the preset's clients ask
    for predictions, not its metrics or management; `[/]`, which is everything, with `Custom`. Of gRPC: `/SERVICE` or
    `/SERVICE/METHOD`."""
    prefix_rewrite: Literal["Disabled"] | None = None
    """`Disabled` leaves `pathPrefix` in the paths that the server sees, and needs no rewriting by the gateway."""
    request_timeout_seconds: Annotated[int | None, Field(ge=1, le=3600)] = None
    """Time that the gateway gives one request. Default: the gateway's. With `routeRef` only pods are told: how long a
    request that has begun may go on in a pod that is to end."""

    @property
    def gateways(self) -> Sequence[ParentRef]:
        """Gateways that a route of ours attaches to."""
        return self.parent_refs or ()
