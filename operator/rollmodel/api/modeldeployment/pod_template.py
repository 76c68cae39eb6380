"""What people lay over the pods of a model, in the words of a PodTemplateSpec.

The API server knows the fields of the pod. What is inside containers, volumes and constraints it keeps without knowing,
since a whole PodSpec in a schema would be larger than all the rest; ``plan/pods/overlay`` says what of that may be set.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from rollmodel.api.base import ApiModel, ObjectName, SubdomainName
from rollmodel.api.pods import Annotations, Labels, OwnLabels
from rollmodel.api.schema import ATOMIC, OPAQUE, keyed_by

__all__ = ["NamedPart", "PodOverlay", "PodTemplate", "PodTemplateMetadata"]

_Opaque = Annotated[dict[str, Any], OPAQUE]
_Opaques = Annotated[list[_Opaque] | None, Field(max_length=16), ATOMIC]


class NamedPart(ApiModel):
    """A container or a volume: its name, and fields that Kubernetes knows."""

    model_config = ConfigDict(extra="allow")

    name: ObjectName
    """Name of the container or the volume."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        reference = super().__get_pydantic_json_schema__(core_schema, handler)
        schema = handler.resolve_ref_schema(reference)
        schema.pop("additionalProperties", None)
        schema["x-kubernetes-preserve-unknown-fields"] = True
        return reference


_Parts = Annotated[list[NamedPart] | None, Field(max_length=16), keyed_by("name")]


class PodTemplateMetadata(ApiModel):
    """Labels and annotations of the pods alone; those of all children are `runtime.labels` and `annotations`."""

    labels: OwnLabels | None = None
    """Labels of the pods."""
    annotations: Annotations | None = None
    """Annotations of the pods."""


class PodOverlay(ApiModel):
    """Fields of a PodSpec. What is written here goes before what `runtime` and the preset say."""

    affinity: _Opaque | None = None
    """Which nodes and which neighbours the pods prefer or need."""
    tolerations: _Opaques = None
    """Taints of nodes that the pods accept, beside `runtime.tolerations`."""
    topology_spread_constraints: _Opaques = None
    """How pods are spread. Replaces the default: over hosts and zones, as far as possible. Without `labelSelector` the
    pods of the same revision are meant."""
    node_selector: Labels | None = None
    """Labels of the nodes that may run the pods."""
    priority_class_name: SubdomainName | None = None
    """Priority class of the pods."""
    runtime_class_name: SubdomainName | None = None
    """Runtime class of the pods, e.g. `nvidia`."""
    scheduler_name: SubdomainName | None = None
    """Scheduler that places the pods."""
    security_context: _Opaque | None = None
    """User, groups and seccomp profile of the pods, within Pod Security "restricted"."""
    dns_policy: Literal["ClusterFirst", "Default", "None"] | None = None
    """Where pods look up names."""
    dns_config: _Opaque | None = None
    """Name servers, search domains and options."""
    host_aliases: _Opaques = None
    """Names for addresses, in `/etc/hosts`."""
    termination_grace_period_seconds: Annotated[int | None, Field(ge=1, le=86400)] = None
    """Time that a pod gets to end; not less than the requests that have begun take."""
    volumes: _Parts = None
    """More volumes; or `model`, `tmp` and `shared-memory`, as `emptyDir` (`sizeLimit`) or `ephemeral` claim."""
    init_containers: _Parts = None
    """More init containers and sidecars, which run after `fetch-model`, or in the order of this list where that is in
    it; of `fetch-model` itself `env`, `imagePullPolicy` and `resources`."""
    containers: _Parts = None
    """More containers; and of the container `model` what `runtime` has no field for: mounts, timings of probes."""


class PodTemplate(ApiModel):
    """A strategic merge over the pods: lists of containers, volumes and variables by name, mounts by path."""

    metadata: PodTemplateMetadata | None = None
    """Labels and annotations of the pods."""
    spec: PodOverlay | None = None
    """Fields of the pods."""
