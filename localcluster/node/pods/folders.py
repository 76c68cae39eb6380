"""Where a Pod lives on disk, and how paths of a container are mapped to it.

<pods>/<uid>/                       $HOME of all its processes
  volumes/<volume>/                 one folder for each volume
  containers/<container>/           working directory where the image or Pod names none
  logs/<container>/<restart>.log    standard output and error of each run
  messages/<container>              the termination message of the last run
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from localcluster.kubeapi import Object

__all__ = ["PodFolder", "mounts", "rewrite"]


class PodFolder:
    """The folder of one Pod."""

    def __init__(self, pods: Path, uid: str) -> None:
        self.path = pods / uid

    def volume(self, name: str) -> Path:
        """The folder of a volume, made where it is missing."""
        folder = self.path / "volumes" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def workdir(self, container: str) -> Path:
        """The default working directory of a container, made where it is missing."""
        folder = self.path / "containers" / container
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def log(self, container: str, restart: int) -> Path:
        """The log of one run; its folder exists."""
        folder = self.path / "logs" / container
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{restart}.log"

    def message(self, container: str) -> Path:
        """The termination message; its folder exists."""
        folder = self.path / "messages"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / container

    def remove(self) -> None:
        """Remove the Pod's folder and all in it."""
        shutil.rmtree(self.path, ignore_errors=True)


def mounts(container: Object, folder: PodFolder) -> dict[str, str]:
    """Mount path -> real path for one container, the termination message included.

    A ``subPath`` that does not exist yet is made a folder, as the kubelet does.
    """
    mapping = {}
    for mount in container.get("volumeMounts", ()):
        real = folder.volume(mount["name"])
        if sub_path := mount.get("subPath"):
            real = real / sub_path
            if not real.exists():
                real.mkdir(parents=True)
        mapping[str(PurePosixPath(mount["mountPath"]))] = str(real)
    mapping[container.get("terminationMessagePath", "/dev/termination-log")] = str(folder.message(container["name"]))
    return mapping


def rewrite(text: str, mapping: Mapping[str, str]) -> str:
    """Map a path, or the value of ``--option=path``; the longest mount path wins. Other text is returned as it is."""
    option, equals, value = text.partition("=")
    if equals and option.startswith("-"):
        return f"{option}={rewrite(value, mapping)}"
    for mount in sorted(mapping, key=len, reverse=True):
        if text == mount or text.startswith(f"{mount.rstrip('/')}/"):
            return mapping[mount] + text[len(mount.rstrip("/")) :]
    return text
