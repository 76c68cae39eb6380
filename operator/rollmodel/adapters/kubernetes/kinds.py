"""The kinds that the operator talks about, and their paths in the Kubernetes API.

Discovery would cost requests at every start and could be lied to by nobody but ourselves: the list is short and fixed.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from rollmodel.api.base import GROUP, VERSION
from rollmodel.errors import Invalid
from rollmodel.plan.decision import Ref

__all__ = [
    "AUTOSCALERS",
    "BUDGETS",
    "CHILDREN",
    "DRIFT_POLICIES",
    "GRPC_ROUTES",
    "INFERENCE_POOLS",
    "OPTIONAL",
    "OWNERS",
    "ROUTES",
    "SCALED_OBJECTS",
    "WORKLOADS",
    "WORKLOAD_VERSIONS",
    "Resource",
    "path_of",
    "resource_of",
]


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind and where the API server serves it."""

    api_version: str
    kind: str
    plural: str

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """The path of one object, of a namespace's collection, or of the whole cluster's collection."""
        root = "/api/v1" if self.api_version == "v1" else f"/apis/{self.api_version}"
        parts = [
            *(["namespaces", quote(namespace, safe="")] if namespace else []),
            self.plural,
            *([quote(name, safe="")] if name else []),
            *([subresource] if subresource else []),
        ]
        return "/".join([root, *parts])


_OURS = f"{GROUP}/{VERSION}"

ROUTES = Resource("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes")

#: Opt-in by a setting; in the standard channel of the Gateway API since v1.1.
GRPC_ROUTES = Resource("gateway.networking.k8s.io/v1", "GRPCRoute", "grpcroutes")

#: Opt-in by a setting; of the Gateway API Inference Extension, where that is installed.
INFERENCE_POOLS = Resource("inference.networking.k8s.io/v1", "InferencePool", "inferencepools")

AUTOSCALERS = Resource("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
BUDGETS = Resource("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")

#: KEDA's, where it is installed.
SCALED_OBJECTS = Resource("keda.sh/v1alpha1", "ScaledObject", "scaledobjects")

#: Opt-in by a spec: an operator without rights on them works, and says so where one is asked for. We do not read their
#: status, which an autoscaler writes several times a minute.
OPTIONAL = (INFERENCE_POOLS, GRPC_ROUTES, AUTOSCALERS, BUDGETS, SCALED_OBJECTS)

#: Kueue's, where it is installed.
WORKLOADS = Resource("kueue.x-k8s.io/v1beta2", "Workload", "workloads")

#: The versions that may be served, the best first; what we read of them is the same.
WORKLOAD_VERSIONS = (WORKLOADS, Resource("kueue.x-k8s.io/v1beta1", "Workload", "workloads"))

#: What a custom resource of ours may control, and therefore what we watch. A scheduled run is a TrainingJob that a
#: TrainingJob controls; those that people make have no label of ours, and Kopf watches them.
CHILDREN = (
    Resource("apps/v1", "Deployment", "deployments"),
    Resource("apps/v1", "ControllerRevision", "controllerrevisions"),
    Resource("v1", "Service", "services"),
    ROUTES,
    *OPTIONAL,
    Resource("batch/v1", "Job", "jobs"),
    Resource(_OURS, "TrainingJob", "trainingjobs"),
)

DRIFT_POLICIES = Resource(_OURS, "DriftPolicy", "driftpolicies")

#: What controls children.
OWNERS = (
    Resource(_OURS, "ModelDeployment", "modeldeployments"),
    Resource(_OURS, "TrainingJob", "trainingjobs"),
    DRIFT_POLICIES,
)

_ALL = (
    *CHILDREN,
    OWNERS[0],
    DRIFT_POLICIES,
    WORKLOADS,
    Resource("coordination.k8s.io/v1", "Lease", "leases"),
    Resource("v1", "Event", "events"),
    Resource("v1", "Pod", "pods"),
    Resource("v1", "Secret", "secrets"),
    Resource("v1", "ConfigMap", "configmaps"),
)
_BY_KIND = {(r.api_version, r.kind): r for r in _ALL}


def resource_of(api_version: str, kind: str) -> Resource:
    """The resource of a kind. Raises Invalid for a kind that the operator has no business with."""
    try:
        return _BY_KIND[api_version, kind]
    except KeyError:
        raise Invalid(f"{api_version} {kind} is not a kind that the operator handles", reason="UnknownKind") from None


def path_of(ref: Ref, subresource: str | None = None) -> str:
    """Where this object is, or a part of it."""
    return resource_of(ref.api_version, ref.kind).path(ref.namespace, ref.name, subresource)
