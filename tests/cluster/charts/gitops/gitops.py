"""Argo CD's engine as a process, and the Git repository that it follows."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from localcluster import Cluster
from localcluster.network import free_port
from localcluster.processes.reaper import ID_VARIABLE
from tests.cluster.charts.conftest import Object
from tests.support.eventually import eventually

__all__ = ["TEAM", "Agent", "Repository"]

TEAM = "team-gitops"
RESYNC_SECONDS = 3
RESULT = re.compile(r"^(\S+/\S+)\s+(.*)$")


@dataclass
class Repository:
    """A Git repository with manifests."""

    folder: Path

    @classmethod
    def create(cls, folder: Path) -> Repository:
        """An empty one."""
        made = cls(folder)
        made._git("init", "--quiet", str(folder))
        return made

    def write(self, path: str, objects: Sequence[Object]) -> None:
        """Commit these objects as one file; none of them: its end."""
        file = self.folder / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(yaml.safe_dump_all(objects) if objects else "")
        self._git("-C", str(self.folder), "add", ".")
        person = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        self._git("-C", str(self.folder), *person, "commit", "--quiet", "-m", path)

    @staticmethod
    def _git(*command: str) -> None:
        subprocess.run(["git", *command], check=True, capture_output=True)


class Agent:
    """The engine, which follows one folder of the repository, as an Application does."""

    def __init__(self, binary: Path, cluster: Cluster, repository: Repository, path: str, log: Path) -> None:
        self._log = log
        command = [str(binary), str(repository.folder), "--path", path, "--kubeconfig", str(cluster.kubeconfig)]
        command += ["--resync-seconds", str(RESYNC_SECONDS), "--port", str(free_port()), "--default-namespace", TEAM]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, ID_VARIABLE: cluster.id}
            )

    def syncs(self) -> list[dict[str, str]]:
        """What came of each sync that has ended: object -> what was done to it."""
        found: list[dict[str, str]] = []
        for line in self._log.read_text(errors="replace").splitlines():
            if line.startswith("RESOURCE"):
                found.append({})
            elif found and (match := RESULT.match(line)):
                found[-1][match[1]] = match[2]
        return found

    async def synced(self, more: int = 2) -> dict[str, str]:
        """Wait for so many syncs that begin from now on; what came of the last."""
        assert self._process.poll() is None, self._log.read_text(errors="replace")[-3000:]
        enough = len(self.syncs()) + more + 1  # the first may have begun before
        seen = await eventually(self._seen, lambda all_of_them: len(all_of_them) >= enough, f"{more} syncs", str)
        return seen[-1]

    async def _seen(self) -> list[dict[str, str]]:
        assert self._process.poll() is None, self._log.read_text(errors="replace")[-3000:]
        return self.syncs()

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
