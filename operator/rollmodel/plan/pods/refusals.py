"""What a person can do about pods and objects that a quota, a LimitRange or a policy refuses."""

from __future__ import annotations

import re

__all__ = ["remedy", "with_remedy"]

#: Words of the API server -> what helps; ``{}`` is the field that holds the container's and the pods' settings.
_REMEDIES = (
    (
        r"volumes\S+: Required value: must specify a volume type|image: field not declared in schema",
        "image volumes (`oci://`) need Kubernetes 1.35, or 1.33 and the feature gate `ImageVolume`",
    ),
    (r"must specify [a-z.,-]+", "set what is missing in `{}.resources`"),
    (r"(maximum|minimum) \S+ usage per (Container|Pod)", "set `{}.resources` within the LimitRange"),
    (r"max limit to request ratio per (Container|Pod)", "set `{}.resources` within the LimitRange"),
    (r"exceeded quota", "it goes on by itself when the quota has room; `{}.resources` is what each pod takes"),
    (
        r"ValidatingAdmissionPolicy|admission webhook",
        "labels and annotations that are asked for belong into `{}.labels` and `{}.annotations`",
    ),
    (
        r"runAsNonRoot and image",
        "pods never run as root: `{}.securityContext.runAsUser` takes the number of a user as which the image can run",
    ),
    (
        r"security context constraint",
        "`{}.securityContext` takes a `runAsUser` and an `fsGroup` within the ranges of the namespace",
    ),
    (
        r"scaledobjects|could not find the requested resource",
        "`scale.autoscaling.keda` needs KEDA in the cluster, and `features.keda` in the operator's chart",
    ),
    (r"violates PodSecurity", "the namespace allows less than the pod asks for: see `{}.securityContext`"),
)


def remedy(message: str, field: str) -> str | None:
    """What helps against this answer of the API server; ``field`` is the part of the spec about pods."""
    return next((text.format(field, field) for words, text in _REMEDIES if re.search(words, message)), None)


def with_remedy(message: str, field: str) -> str:
    """The API server's words, and what helps."""
    helps = remedy(message, field)
    return f"{message}; {helps}" if helps else message
