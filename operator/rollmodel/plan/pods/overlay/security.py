"""Security contexts within Pod Security "restricted" (https://kubernetes.io/docs/concepts/security/pod-security-standards/)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["container_problems", "pod_problems"]

Part = Mapping[str, Any]

_SHARED = {"runAsUser", "runAsGroup", "runAsNonRoot", "seccompProfile"}
_OF_POD = {*_SHARED, "fsGroup", "fsGroupChangePolicy", "supplementalGroups", "supplementalGroupsPolicy"}
_OF_CONTAINER = {*_SHARED, "allowPrivilegeEscalation", "capabilities", "privileged", "readOnlyRootFilesystem"}

#: Field -> the only value that it may have.
_ONLY = {"runAsNonRoot": True, "allowPrivilegeEscalation": False, "privileged": False}
_ADDED = {"NET_BIND_SERVICE"}
_SECCOMP = {"RuntimeDefault", "Localhost"}


def pod_problems(path: str, context: Part) -> Iterator[str]:
    """What is wrong with the security context of a pod."""
    yield from _problems(path, context, _OF_POD)


def container_problems(path: str, context: Part) -> Iterator[str]:
    """What is wrong with the security context of a container."""
    yield from _problems(path, context, _OF_CONTAINER)
    capabilities = context.get("capabilities") or {}
    if set(capabilities.get("add") or ()) - _ADDED:
        yield f"{path}.capabilities.add: must not have others than {', '.join(_ADDED)}"
    if "drop" in capabilities and "ALL" not in (capabilities["drop"] or ()):
        yield f"{path}.capabilities.drop: must have ALL"


def _problems(path: str, context: Part, allowed: set[str]) -> Iterator[str]:
    for field in sorted(context.keys() - allowed):
        yield f"{path}.{field}: must not be set; allowed are {', '.join(sorted(allowed))}"
    for field, value in _ONLY.items():
        if field in context and field in allowed and context[field] is not value:
            yield f"{path}.{field}: must be {str(value).lower()}"
    if context.get("runAsUser") == 0:
        yield f"{path}.runAsUser: must not be 0, which is root"
    profile = context.get("seccompProfile")
    if profile is not None and profile.get("type") not in _SECCOMP:
        yield f"{path}.seccompProfile.type: must be one of {', '.join(sorted(_SECCOMP))}"
