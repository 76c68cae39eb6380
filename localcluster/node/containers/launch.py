"""From a container's spec to what is to be executed."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localcluster.addresses import LISTEN_ADDRESS_VARIABLE, listen_address
from localcluster.kubeapi import Object
from localcluster.node.containers.environment import ConfigError, Lookup, container_environment, expand
from localcluster.node.containers.images import Image
from localcluster.node.containers.probes import Target
from localcluster.node.pods.folders import PodFolder, mounts, rewrite
from localcluster.processes.reaper import ID_VARIABLE

__all__ = ["Launch", "prepare"]

_TERMINATION_LOG_VARIABLE = "ROLLMODEL_TERMINATION_LOG"


@dataclass(frozen=True, slots=True)
class Launch:
    """A command ready to start."""

    image: Image
    argv: list[str]
    env: Mapping[str, str]
    cwd: Path
    message: Path
    mapping: Mapping[str, str]

    def hook(self, command: list[str]) -> list[str]:
        """The command of a probe or hook, paths mapped."""
        return [rewrite(word, self.mapping) for word in command]

    def target(self, container: Object) -> Target:
        """What probes look at."""
        ports = {port["name"]: port["containerPort"] for port in container.get("ports", ()) if "name" in port}
        return Target(self.env[LISTEN_ADDRESS_VARIABLE], ports, self.env, self.cwd)


async def prepare(pod: Object, container: Object, image: Image, folder: PodFolder, lookup: Lookup) -> Launch:
    """Build the command line and a clean environment. Raises ConfigError.

    ``pod`` must carry ``status.podIP``. Of our own environment only the cluster's identity is inherited, so that
    whoever cleans up after a crash can tell the process from others.
    """
    name, mapping = container["name"], mounts(container, folder)
    listen = listen_address(pod["status"]["podIP"])
    variables = await container_environment(pod, container, lookup)
    words = (_words(container, key, variables, mapping) for key in ("command", "args"))
    argv = image.argv(*words, listen=listen)
    if image.process and not argv:
        raise ConfigError(f"no command specified and image {image.name} has none")
    own = {key: image.fill(value, listen) for key, value in image.env.items()}  # of this machine, so as it stands
    env = own | {key: rewrite(value, mapping) for key, value in variables.items()}
    workdir = container.get("workingDir")
    return Launch(
        image=image,
        argv=argv,
        env=_base(pod, folder, mapping)
        | env
        | {LISTEN_ADDRESS_VARIABLE: listen, _TERMINATION_LOG_VARIABLE: str(folder.message(name))},
        cwd=Path(rewrite(workdir, mapping)) if workdir else folder.workdir(name),
        message=folder.message(name),
        mapping=mapping,
    )


def _words(container: Object, key: str, variables: Mapping[str, str], mapping: Mapping[str, str]) -> list[str] | None:
    """Words of the container's spec, with the paths that it sees mapped to those of this machine."""
    return [rewrite(expand(word, variables), mapping) for word in container[key]] if container.get(key) else None


def _base(pod: Object, folder: PodFolder, mapping: Mapping[str, str]) -> dict[str, str]:
    base = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": str(folder.path),
        "HOSTNAME": pod["spec"].get("hostname") or pod["metadata"]["name"],
        "LANG": "C.UTF-8",
    }
    if "/tmp" in mapping:  # noqa: S108 - the mount path, as containers name it
        base["TMPDIR"] = mapping["/tmp"]  # noqa: S108
    if ID_VARIABLE in os.environ:
        base[ID_VARIABLE] = os.environ[ID_VARIABLE]
    return base
