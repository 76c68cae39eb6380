"""Whether an overlay has lists and objects where they belong: the API server does not look inside containers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["shape_problems", "without_nulls"]

Part = Mapping[str, Any]

_LISTS = ("env", "envFrom", "ports", "volumeDevices", "volumeMounts")
_OBJECTS = ("lifecycle", "livenessProbe", "readinessProbe", "resources", "securityContext", "startupProbe")


def without_nulls(value: Any) -> Any:
    """The same without fields that are null: null is unset."""
    if isinstance(value, Mapping):
        return {key: without_nulls(one) for key, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


def shape_problems(overlay: Part) -> Iterator[str]:
    """Everything that is a list, an object or neither where it should not."""
    spec = overlay.get("spec") or {}
    yield from _security("spec.securityContext", spec.get("securityContext", {}))
    for key in ("initContainers", "containers"):
        for one in spec.get(key) or ():
            path = f"spec.{key}[{one['name']}]"
            yield from (f"{path}.{field}: must be a list of objects" for field in _LISTS if not _list(one, field))
            yield from (f"{path}.{field}: must be an object" for field in _OBJECTS if not _object(one, field))
            yield from _security(f"{path}.securityContext", one.get("securityContext", {}))


def _security(path: str, context: Any) -> Iterator[str]:
    if not isinstance(context, Mapping):
        return
    for field in ("capabilities", "seccompProfile"):
        if not _object(context, field):
            yield f"{path}.{field}: must be an object"
    capabilities = context.get("capabilities", {})
    for field in ("add", "drop"):
        words = capabilities.get(field, []) if isinstance(capabilities, Mapping) else []
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            yield f"{path}.capabilities.{field}: must be a list of names"


def _object(part: Part, field: str) -> bool:
    return isinstance(part.get(field, {}), Mapping)


def _list(part: Part, field: str) -> bool:
    items = part.get(field, [])
    return isinstance(items, list) and all(isinstance(item, Mapping) for item in items)
