"""A Pod's volumes as real folders, written once before its first container starts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from localcluster.kubeapi import Object

from .environment import ConfigError, Lookup, contents, field_value

__all__ = ["TokenSource", "write_volume"]

TokenSource = Callable[[Object], Awaitable[str]]
"""A ``serviceAccountToken`` projection -> a token of the Pod's service account."""


async def write_volume(pod: Object, volume: Object, folder: Path, lookup: Lookup, token: TokenSource) -> None:
    """Fill the folder of one volume. Raises ConfigError where its source is missing or its kind is not supported."""
    if "emptyDir" in volume:
        return
    sources = volume["projected"].get("sources", ()) if "projected" in volume else (volume,)
    for source in sources:
        await _write_source(pod, source, folder, lookup, token)


async def _write_source(pod: Object, source: Object, folder: Path, lookup: Lookup, token: TokenSource) -> None:
    if "serviceAccountToken" in source:
        _write(folder, source["serviceAccountToken"]["path"], (await token(source["serviceAccountToken"])).encode())
    elif "downwardAPI" in source:
        for item in source["downwardAPI"].get("items", ()):
            if "fieldRef" not in item:
                raise ConfigError("resourceFieldRef is not supported by the local cluster")
            _write(folder, item["path"], field_value(pod, item["fieldRef"]["fieldPath"]).encode())
    elif "configMap" in source:
        await _write_keys("configmaps", source["configMap"], folder, lookup)
    elif "secret" in source:
        await _write_keys("secrets", source["secret"], folder, lookup)
    else:
        kind = next((key for key in source if key != "name"), "")
        raise ConfigError(f"volumes of kind {kind} are not supported by the local cluster")


async def _write_keys(resource: str, reference: Object, folder: Path, lookup: Lookup) -> None:
    name = reference.get("secretName") or reference["name"]
    found = await lookup(resource, name)
    if found is None:
        if reference.get("optional"):
            return
        raise ConfigError(f'{resource[:-1]} "{name}" not found')
    values = contents(resource, found)
    items = reference.get("items") or [{"key": key, "path": key} for key in values]
    for item in items:
        if item["key"] in values:
            _write(folder, item["path"], values[item["key"]])
        elif not reference.get("optional"):
            raise ConfigError(f"references non-existent {resource[:-1]} key: {item['key']}")


def _write(folder: Path, path: str, content: bytes) -> None:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
