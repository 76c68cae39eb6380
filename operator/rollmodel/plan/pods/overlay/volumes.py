"""Volumes and mounts that may be laid over a pod: nothing of the node, and nothing that covers verified files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

__all__ = ["mount_problems", "volume_problems"]

Part = Mapping[str, Any]

#: What Pod Security "restricted" allows.
_KINDS = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
_EMPTY = {"emptyDir", "ephemeral"}


def volume_problems(path: str, theirs: Sequence[Part], ours: Sequence[Part]) -> Iterator[str]:
    """What is wrong with more volumes, and with other ones for ours."""
    kept = {volume["name"]: volume for volume in ours}
    for volume in theirs:
        kinds, here = volume.keys() - {"name"}, f"{path}[{volume['name']}]"
        if len(kinds) != 1 or not kinds <= _KINDS:
            yield f"{here}: must be exactly one of {', '.join(sorted(_KINDS))}"
        elif volume["name"] not in kept:
            continue
        elif "emptyDir" not in kept[volume["name"]]:
            yield f"{here}: is set by the operator; take another name"
        elif not kinds <= _EMPTY:
            yield f"{here}: begins empty for each pod: must be one of {', '.join(sorted(_EMPTY))}"


def mount_problems(path: str, mounts: Sequence[Part], owned: Collection[str], taken: Sequence[str]) -> Iterator[str]:
    """What is wrong with mounts; ``owned`` volumes are only read, and ``taken`` paths are not covered."""
    for mount in mounts:
        where = str(mount.get("mountPath", ""))
        if mount.get("name") in owned and mount.get("readOnly") is not True:
            yield f"{path}[{where}]: must have `readOnly: true`, since the files of the model are verified"
        if any(_covers(where, other) for other in taken):
            yield f"{path}[{where}]: must not lie above or below {', '.join(taken)}, where the model is"
        if mount.get("mountPropagation") not in {None, "None", "HostToContainer"}:
            yield f"{path}[{where}]: must not have `mountPropagation: {mount['mountPropagation']}`"


def _covers(one: str, other: str) -> bool:
    one, other = f"{one.rstrip('/')}/", f"{other.rstrip('/')}/"
    return one.startswith(other) or other.startswith(one)
