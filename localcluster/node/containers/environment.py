"""The environment of a container: variables, references to other objects, and the downward API."""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable, Mapping

from localcluster.kubeapi import Object

__all__ = ["ConfigError", "Lookup", "container_environment", "contents", "expand", "field_value"]

Lookup = Callable[[str, str], Awaitable[Object | None]]
"""(``configmaps`` or ``secrets``, name) -> the object of the Pod's namespace, or None."""

_KINDS = {
    "configMapKeyRef": "configmaps",
    "secretKeyRef": "secrets",
    "configMapRef": "configmaps",
    "secretRef": "secrets",
}
_TITLES = {"configmaps": "ConfigMap", "secrets": "Secret"}
_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_.-][A-Za-z0-9_.-]*)\)")


class ConfigError(Exception):
    """A container that cannot be configured now: waiting reason ``CreateContainerConfigError``."""


async def container_environment(pod: Object, container: Object, lookup: Lookup) -> dict[str, str]:
    """The variables that ``envFrom`` and ``env`` give, the later winning. Raises ConfigError."""
    variables: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        prefix = source.get("prefix", "")
        for key, value in (await _whole(source, lookup)).items():
            variables[prefix + key] = value
    for entry in container.get("env", ()):
        resolved = await _value(pod, entry, variables, lookup)
        if resolved is not None:
            variables[entry["name"]] = resolved
    return variables


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace ``$(NAME)`` where NAME is known; ``$$`` is a plain dollar sign.

    As Kubernetes expands ``command``, ``args`` and the values of ``env``.
    """

    def replacement(match: re.Match[str]) -> str:
        return "$" if match[0] == "$$" else variables.get(match[1], match[0])

    return _REFERENCE.sub(replacement, text)


def field_value(pod: Object, path: str) -> str:
    """A field of the downward API. Raises ConfigError for one that it does not offer."""
    metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status", {})
    if match := re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path):
        return str(metadata.get(match[1], {}).get(match[2], ""))
    if path in ("metadata.labels", "metadata.annotations"):
        pairs = metadata.get(path.partition(".")[2], {})
        return "\n".join(f'{key}="{value}"' for key, value in sorted(pairs.items()))
    match path:
        case "metadata.name" | "metadata.namespace" | "metadata.uid":
            return str(metadata[path.partition(".")[2]])
        case "spec.nodeName" | "spec.serviceAccountName":
            return str(spec.get(path.partition(".")[2], ""))
        case "status.podIP" | "status.podIPs":
            return str(status["podIP"])
        case "status.hostIP" | "status.hostIPs":
            return str(status["hostIP"])
        case _:
            pass
    raise ConfigError(f"unsupported fieldPath: {path}")


async def _value(pod: Object, entry: Object, variables: Mapping[str, str], lookup: Lookup) -> str | None:
    source = entry.get("valueFrom")
    if source is None:
        return expand(entry.get("value", ""), variables)
    if "fieldRef" in source:
        return field_value(pod, source["fieldRef"]["fieldPath"])
    kind = next(iter(source))
    if kind not in _KINDS:
        raise ConfigError(f"{kind} is not supported by the local cluster")
    return await _key(_KINDS[kind], source[kind], pod["metadata"]["namespace"], lookup)


async def _key(resource: str, reference: Object, namespace: str, lookup: Lookup) -> str | None:
    data = await _data(resource, reference, lookup)
    if reference["key"] in data:
        return data[reference["key"]]
    if reference.get("optional"):
        return None
    raise ConfigError(f"couldn't find key {reference['key']} in {_TITLES[resource]} {namespace}/{reference['name']}")


async def _whole(source: Object, lookup: Lookup) -> Mapping[str, str]:
    kind = next(key for key in source if key in _KINDS)
    return await _data(_KINDS[kind], source[kind], lookup)


async def _data(resource: str, reference: Object, lookup: Lookup) -> Mapping[str, str]:
    """The decoded data of a ConfigMap or Secret; empty where it is missing and optional."""
    found = await lookup(resource, reference["name"])
    if found is None:
        if reference.get("optional"):
            return {}
        raise ConfigError(f'{_TITLES[resource].lower()} "{reference["name"]}" not found')
    return {key: value.decode(errors="replace") for key, value in contents(resource, found).items()}


def contents(resource: str, found: Object) -> dict[str, bytes]:
    """The decoded keys of a ConfigMap or Secret."""
    data: dict[str, str] = found.get("data") or {}
    if resource == "secrets":
        return {key: base64.b64decode(value) for key, value in data.items()}
    binary = {key: base64.b64decode(value) for key, value in (found.get("binaryData") or {}).items()}
    return {key: value.encode() for key, value in data.items()} | binary
