"""ConfigMaps and Secrets that the pods of a Deployment read as they start: their content is no part of the revision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rollmodel.plan.canonical import canonical_hash
from rollmodel.plan.deployment.objects.pod.fetching import FETCH_CONTAINER
from rollmodel.plan.manifest import Manifest

__all__ = ["MOST", "config_maps_of", "content_of", "secrets_of"]

#: So many of each are looked at; who reads more is not told of changes in the others.
MOST = 16
_DIGITS = len("sha256:") + 12


@dataclass(frozen=True, slots=True)
class _Words:
    """Where a name stands: in a variable, in a whole environment, and in a volume."""

    variable: str
    environment: str
    volume: str
    name: str


_CONFIG_MAP = _Words("configMapKeyRef", "configMapRef", "configMap", "name")
_SECRET = _Words("secretKeyRef", "secretRef", "secret", "secretName")


def config_maps_of(deployment: Manifest) -> list[str]:
    """Names of the ConfigMaps, at most ``MOST``, in the order of names."""
    return _names(deployment, _CONFIG_MAP)


def secrets_of(deployment: Manifest) -> list[str]:
    """Names of the Secrets, likewise; without those with which the model is fetched, since its digest is verified."""
    return _names(deployment, _SECRET)


def content_of(config_map: Manifest) -> str:
    """A short hash of what it holds."""
    return canonical_hash([config_map.get("data") or {}, config_map.get("binaryData") or {}])[:_DIGITS]


def _names(deployment: Manifest, words: _Words) -> list[str]:
    spec = deployment.get("spec", {}).get("template", {}).get("spec", {})
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    own = [container for container in containers if container.get("name") != FETCH_CONTAINER]
    found = {*_of_containers(own, words), *_of_volumes(spec.get("volumes") or (), words)}
    return sorted(str(name) for name in found if name)[:MOST]


def _of_containers(containers: Sequence[Manifest], words: _Words) -> Iterator[Any]:
    for container in containers:
        for variable in container.get("env") or ():
            yield ((variable.get("valueFrom") or {}).get(words.variable) or {}).get("name")
        for source in container.get("envFrom") or ():
            yield (source.get(words.environment) or {}).get("name")


def _of_volumes(volumes: Sequence[Manifest], words: _Words) -> Iterator[Any]:
    for volume in volumes:
        yield (volume.get(words.volume) or {}).get(words.name)
        for source in (volume.get("projected") or {}).get("sources") or ():
            yield (source.get(words.volume) or {}).get("name")
