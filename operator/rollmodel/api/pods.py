"""The parts of a pod that people write, shared by ModelDeployment and TrainingJob.

A curated subset of the core API: a whole PodSpec would not fit into the annotation of ``kubectl apply``, and could
ask for more than Pod Security "restricted" allows.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from rollmodel.api.base import ApiModel, LocalRef, SubdomainName
from rollmodel.api.schema import ATOMIC, INT_OR_STRING, PatternMessage, Rule, cel_string, exactly_one_of, keyed_by

__all__ = [
    "Annotations",
    "Argument",
    "Arguments",
    "EnvVar",
    "EnvVarSource",
    "Environment",
    "FieldRef",
    "ImageReference",
    "KeyRef",
    "Labels",
    "OwnLabels",
    "PodSecurity",
    "PodSettings",
    "Quantity",
    "ResourceRequirements",
    "Toleration",
]

_QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|[kMGTPE]|[KMGTPE]i)?$"

#: An amount of a resource, e.g. ``500m`` or ``1Gi``; whole numbers may stand without quotes.
Quantity = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if isinstance(value, int) else value),
    Field(max_length=32),
    INT_OR_STRING,
    Rule(
        f"type(self) == int ? self >= 0 : self.matches({cel_string(_QUANTITY)})",
        "must be a quantity such as '500m', '2' or '1Gi'",
    ),
]

#: The name of a container image.
ImageReference = Annotated[
    str,
    Field(min_length=1, max_length=512, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$"),
    PatternMessage("must be the name of an image, such as 'registry.example.com/team/server:1.2'"),
]

_QualifiedName = Annotated[
    str,
    Field(max_length=317, pattern=r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"),
    PatternMessage("must have keys such as 'zone' or 'example.com/zone'"),
]
_LabelValue = Annotated[
    str,
    Field(max_length=63, pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"),
    PatternMessage("must be letters, digits, '-', '_' and '.', and begin and end with a letter or digit"),
]

#: Labels of a node that pods ask for.
Labels = Annotated[dict[_QualifiedName, _LabelValue], Field(max_length=32)]

#: One argument of a command line.
Argument = Annotated[str, Field(max_length=4096)]

#: A command line.
Arguments = Annotated[list[Argument], Field(max_length=64), ATOMIC]


#: Labels that people give to what the operator makes; its own go before these.
OwnLabels = Annotated[
    dict[_QualifiedName, _LabelValue],
    Field(max_length=32),
    Rule(
        "self.all(key, !key.matches('^([^/]*[.])?rollmodel[.]dev/|^app[.]kubernetes[.]io/(name|managed-by)$'))",
        "must not have keys of 'rollmodel.dev', 'app.kubernetes.io/name' or 'app.kubernetes.io/managed-by',"
        " which the operator sets",
    ),
]

#: Annotations that people give to what the operator makes; its own go before these.
Annotations = Annotated[
    dict[_QualifiedName, Annotated[str, Field(max_length=1024)]],
    Field(max_length=32),
    Rule(
        "self.all(key, !key.matches('^([^/]*[.])?rollmodel[.]dev/|^prometheus[.]io/'))",
        "must not have keys of 'rollmodel.dev' or 'prometheus.io', which the operator sets",
    ),
]

_Id = Annotated[int | None, Field(ge=1, le=2**31 - 1)]


class PodSecurity(ApiModel):
    """The user and the groups that a pod runs as; the rest is as Pod Security "restricted" asks."""

    run_as_user: _Id = None
    """User ID of the containers."""
    run_as_group: _Id = None
    """Group ID of the containers."""
    fs_group: _Id = None
    """Group that owns the volumes."""


class Toleration(ApiModel):
    """A taint of nodes that the pods accept."""

    rules = (
        Rule(
            "!has(self.operator) || self.operator != 'Exists' || !has(self.value)",
            "must not have `value` with `operator` 'Exists'",
        ),
    )

    key: Annotated[str, Field(min_length=1, max_length=316)]
    """Key of the taint."""
    operator: Literal["Equal", "Exists"] = "Equal"
    """Whether `value` must be equal, or the key is enough."""
    value: Annotated[str | None, Field(max_length=63)] = None
    """Value of the taint."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint. Default: all."""


class PodSettings(ApiModel):
    """What pods ask of the cluster, whatever runs in them. A kind adds its own fields, which come first."""

    service_account_name: SubdomainName | None = None
    """Service account of the pods."""
    image_pull_secrets: Annotated[list[LocalRef] | None, Field(max_length=8), keyed_by("name")] = None
    """Secrets for the image registry."""
    node_selector: Labels | None = None
    """Labels of the nodes that may run the pods."""
    tolerations: Annotated[list[Toleration] | None, Field(max_length=16), ATOMIC] = None
    """Taints of nodes that the pods accept."""
    priority_class_name: SubdomainName | None = None
    """Priority class of the pods."""
    runtime_class_name: SubdomainName | None = None
    """Runtime class of the pods, e.g. `nvidia`."""


class KeyRef(ApiModel):
    """One key of a Secret or ConfigMap of the same namespace."""

    name: SubdomainName
    """Name of the Secret or ConfigMap."""
    key: Annotated[
        str,
        Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9._-]+$"),
        PatternMessage("must be letters, digits, '-', '_' and '.'"),
    ]
    """Key within it."""


class FieldRef(ApiModel):
    """A field of the pod itself (downward API)."""

    field_path: Literal[
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "spec.nodeName",
        "spec.serviceAccountName",
        "status.hostIP",
        "status.podIP",
    ]
    """Path of the field."""


class EnvVarSource(ApiModel):
    """Where the value of a variable comes from."""

    rules = (exactly_one_of("secretKeyRef", "configMapKeyRef", "fieldRef"),)

    secret_key_ref: KeyRef | None = None
    """A key of a Secret."""
    config_map_key_ref: KeyRef | None = None
    """A key of a ConfigMap."""
    field_ref: FieldRef | None = None
    """A field of the pod."""


class EnvVar(ApiModel):
    """An environment variable: a literal, or a reference within the namespace."""

    rules = (exactly_one_of("value", "valueFrom"),)

    name: Annotated[
        str,
        Field(min_length=1, max_length=253, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"),
        PatternMessage("must be letters, digits and '_', and not begin with a digit"),
        Rule("!self.startsWith('ROLLMODEL_')", "must not begin with 'ROLLMODEL_', which the operator sets"),
    ]
    """Name of the variable."""
    value: Annotated[str | None, Field(max_length=4096)] = None
    """Its value. Secrets belong into `valueFrom`."""
    value_from: EnvVarSource | None = None
    """Where its value comes from."""


#: The environment of a container.
Environment = Annotated[list[EnvVar], Field(max_length=64), keyed_by("name")]

_Resources = Annotated[dict[_QualifiedName, Quantity], Field(max_length=16)]

_WITHIN_LIMITS = (
    "!has(self.requests) || !has(self.limits) || self.requests.all(name, !(name in self.limits)"
    " || !isQuantity(string(self.requests[name])) || !isQuantity(string(self.limits[name]))"
    " || quantity(string(self.requests[name])).compareTo(quantity(string(self.limits[name]))) <= 0)"
)


class ResourceRequirements(ApiModel):
    """Container resources: Kubernetes quantities by resource name."""

    rules = (Rule(_WITHIN_LIMITS, "must have `requests` that are not greater than `limits`"),)

    requests: _Resources | None = None
    """What the scheduler sets aside."""
    limits: _Resources | None = None
    """What the container may use at most."""
