"""The real operator as a process: ``rollmodel run``, started, ended and killed by tests.

As in its image it runs as a user without a name.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from localcluster import Cluster
from localcluster.network import LOOPBACK, free_port
from localcluster.processes.reaper import ID_VARIABLE
from tests.support.eventually import PATIENCE_SECONDS, eventually

__all__ = ["OperatorProcess", "Operators", "Pair", "elected", "leads"]

REPOSITORY = Path(__file__).parents[3]

_NAMES = ("LOGNAME", "USER", "LNAME", "USERNAME")
_NAMELESS = """
import pwd, runpy
def unknown(uid): raise KeyError(uid)
pwd.getpwuid = unknown
runpy.run_module("rollmodel", run_name="__main__", alter_sys=True)
"""


class OperatorProcess:
    """One operator. ``settings`` are ``ROLLMODEL_*`` variables without the prefix; the log goes on over restarts."""

    program = _NAMELESS
    python: str | Path = sys.executable

    def __init__(self, cluster: Cluster, kubeconfig: Path, log: Path, settings: Mapping[str, str]) -> None:
        self._cluster, self._kubeconfig, self._log = cluster, kubeconfig, log
        self._usual = dict(settings)
        self._settings: dict[str, str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._health = f"{LOOPBACK}:{free_port()}"
        self._metrics = f"{LOOPBACK}:{free_port()}"

    def ensure(self, **changes: str) -> None:
        """Let it run with the usual settings and these changes; leave it alone if it does already."""
        wanted = {**self._usual, **changes}
        if self.runs and self._settings == wanted:
            return
        self.stop()
        self._settings = wanted
        ours = {
            **{f"ROLLMODEL_{name}": value for name, value in wanted.items()},
            "ROLLMODEL_HEALTH_ADDRESS": self._health,
            "ROLLMODEL_METRICS_ADDRESS": self._metrics,
            "KUBECONFIG": str(self._kubeconfig),
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "operator"), str(REPOSITORY)]),
            "MALLOC_ARENA_MAX": "2",  # as in the Deployment that we ship
            ID_VARIABLE: self._cluster.id,  # it ends with the cluster, whatever happens to the tests
        }
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [self.python, "-c", self.program, "run"],
                env={name: value for name, value in os.environ.items() if name not in _NAMES} | ours,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def runs(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    async def ready(self) -> None:
        """Wait until it works. Fails where it has ended by itself."""
        async with httpx.AsyncClient(timeout=5) as client:
            await eventually(lambda: self._answers(client), bool, "the operator is ready")

    async def _answers(self, client: httpx.AsyncClient) -> bool:
        assert self.runs, f"the operator has ended: {self.log()[-2000:]}"
        try:
            return (await client.get(f"http://{self._health}/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    def twin(self, log: Path) -> OperatorProcess:
        """Another one with the same rights and settings."""
        return OperatorProcess(self._cluster, self._kubeconfig, log, self._usual)

    def kill(self) -> None:
        """End it as a lost node does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """End it as Kubernetes does."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()

    def log(self) -> str:
        """All that it has written."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def metrics_address(self) -> str:
        """Where Prometheus reads them."""
        return self._metrics

    async def exposition(self) -> str:
        """Its own metrics, as Prometheus reads them."""
        async with httpx.AsyncClient(timeout=30) as client:
            return (await client.get(f"http://{self._metrics}/metrics")).text

    async def count(self, name: str, **labels: str) -> float:
        """The sum of its own samples of this name with these labels."""
        families = text_string_to_metric_families(await self.exposition())
        samples = (sample for family in families for sample in family.samples)
        return sum(one.value for one in samples if one.name == name and labels.items() <= one.labels.items())

    async def asks(self, neighbour: str, times: int) -> None:
        """Wait until it has put so many more questions to Prometheus or the registry."""
        name = "rollmodel_neighbour_request_seconds_count"
        enough = await self.count(name, neighbour=neighbour) + times
        await eventually(
            lambda: self.count(name, neighbour=neighbour), lambda count: count >= enough, f"questions to {neighbour}"
        )


class Operators:
    """Of several operators that work in all namespaces of one cluster, only one may be alive, or one does all work."""

    def __init__(self) -> None:
        self._working: OperatorProcess | None = None

    async def only(self, process: OperatorProcess) -> None:
        """Let this one work with its usual settings, and no other; wait until it is ready."""
        if self._working is not None and self._working is not process:
            self._working.stop()
        self._working = process
        process.ensure()
        await process.ready()


#: One that leads at first, and one that stands by.
Pair = tuple[OperatorProcess, OperatorProcess]


@asynccontextmanager
async def elected(
    cluster: Cluster, kubeconfig: Path, folder: Path, lease_namespace: str, settings: Mapping[str, str]
) -> AsyncIterator[Pair]:
    """Both of them, until the block ends; their logs are in ``folder``."""
    election = {"LEADER_ELECTION": "On", "LEASE_NAMESPACE": lease_namespace, **settings}
    first, second = (
        OperatorProcess(cluster, kubeconfig, folder / f"{name}.log", election) for name in ("first", "second")
    )
    try:
        for one in (first, second):
            one.ensure()
            await one.ready()
            await leads(first)
        yield first, second
    finally:
        for one in (first, second):
            one.stop()


async def leads(operator: OperatorProcess) -> None:
    """Wait until it leads, by its own metrics."""
    await eventually(lambda: operator.count("rollmodel_leader"), lambda leads: leads == 1, "it leads")
