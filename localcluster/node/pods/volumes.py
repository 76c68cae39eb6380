"""A Pod's volumes as real folders, written once before its first container starts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from localcluster.kubeapi import Object
from localcluster.node.containers.environment import ConfigError, Lookup, contents, field_value

__all__ = ["Origins", "write_volume"]


@dataclass(frozen=True, slots=True)
class Origins:
    """Where volumes get their content from.

    ``token``: a ``serviceAccountToken`` projection -> a token of the Pod's service account. ``claimed``: the name of
    a PersistentVolumeClaim -> the PersistentVolume that it is bound to, or None. ``root``: the folder that those must
    lie in.
    """

    lookup: Lookup
    token: Callable[[Object], Awaitable[str]]
    claimed: Callable[[str], Awaitable[Object | None]]
    root: Path


async def write_volume(pod: Object, volume: Object, folder: Path, origins: Origins) -> None:
    """Fill the folder of one volume. Raises ConfigError where its source is missing or its kind is not supported."""
    if "emptyDir" in volume:
        return
    if "persistentVolumeClaim" in volume:
        claim = volume["persistentVolumeClaim"]["claimName"]
        _link(claim, await origins.claimed(claim), folder, origins.root)
        return
    if "image" in volume:
        _link_image(volume["image"]["reference"], folder, origins.root)
        return
    sources = volume["projected"].get("sources", ()) if "projected" in volume else (volume,)
    for source in sources:
        await _write_source(pod, source, folder, origins)


def _link(claim: str, volume: Object | None, folder: Path, root: Path) -> None:
    """Let the volume's folder be a link to that of the PersistentVolume."""
    if volume is None:
        raise ConfigError(f'persistentvolumeclaim "{claim}" not found, or not bound')
    spec = volume["spec"]
    source = spec.get("hostPath") or spec.get("local")
    if source is None:
        raise ConfigError("only PersistentVolumes of kind hostPath and local are supported by the local cluster")
    path = Path(source["path"])
    if not path.resolve().is_relative_to(root.resolve()):
        raise ConfigError(f"hostPath {path} is not within the local cluster's folder {root}")
    if source.get("type") == "DirectoryOrCreate":
        path.mkdir(parents=True, exist_ok=True)
    if not path.is_dir():
        raise ConfigError(f"hostPath type check failed: {path} is not a directory")
    if not folder.is_symlink():
        folder.rmdir()
        folder.symlink_to(path.resolve())


def _link_image(reference: str, folder: Path, root: Path) -> None:
    """Let the volume's folder be a link to what stands for an image: ``images/REFERENCE`` of the cluster."""
    images = root / "images"
    path = (images / reference).resolve()
    if not path.is_relative_to(images.resolve()) or not path.is_dir():
        raise ConfigError(f'failed to pull image "{reference}": {path} is no folder')
    if not folder.is_symlink():
        folder.rmdir()
        folder.symlink_to(path)


async def _write_source(pod: Object, source: Object, folder: Path, origins: Origins) -> None:
    if "serviceAccountToken" in source:
        token = await origins.token(source["serviceAccountToken"])
        _write(folder, source["serviceAccountToken"]["path"], token.encode())
    elif "downwardAPI" in source:
        for item in source["downwardAPI"].get("items", ()):
            if "fieldRef" not in item:
                raise ConfigError("resourceFieldRef is not supported by the local cluster")
            _write(folder, item["path"], field_value(pod, item["fieldRef"]["fieldPath"]).encode())
    elif "configMap" in source:
        await _write_keys("configmaps", source["configMap"], folder, origins.lookup)
    elif "secret" in source:
        await _write_keys("secrets", source["secret"], folder, origins.lookup)
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
