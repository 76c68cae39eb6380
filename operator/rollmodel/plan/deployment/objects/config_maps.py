"""ConfigMaps that the pods of a Deployment read as they start: their content is no part of the revision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rollmodel.plan.canonical import canonical_hash
from rollmodel.plan.manifest import Manifest

__all__ = ["MOST", "config_maps_of", "content_of"]

#: So many are looked at; who reads more is not told of changes in the others.
MOST = 16
_DIGITS = len("sha256:") + 12


def config_maps_of(deployment: Manifest) -> list[str]:
    """Their names: of variables, of whole environments, and of volumes; at most ``MOST``, in the order of names."""
    spec = deployment.get("spec", {}).get("template", {}).get("spec", {})
    return sorted({str(name) for name in _named(spec) if name})[:MOST]


def content_of(config_map: Manifest) -> str:
    """A short hash of what it holds."""
    return canonical_hash([config_map.get("data") or {}, config_map.get("binaryData") or {}])[:_DIGITS]


def _named(spec: Manifest) -> Iterator[Any]:
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        for variable in container.get("env") or ():
            yield ((variable.get("valueFrom") or {}).get("configMapKeyRef") or {}).get("name")
        for source in container.get("envFrom") or ():
            yield (source.get("configMapRef") or {}).get("name")
    for volume in spec.get("volumes") or ():
        yield (volume.get("configMap") or {}).get("name")
