"""The Python API: start a cluster, ask it for parts, make them fail, stop it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from localcluster import control
from localcluster.binaries import locate
from localcluster.errors import LocalClusterError, NotRunningError
from localcluster.files import locked
from localcluster.kubectl import kubectl
from localcluster.parts import CONTROL_PLANE, binaries_of, processes_of
from localcluster.processes.lifeline import Lifeline, answers
from localcluster.processes.reaper import kill_all
from localcluster.site import CONTROLLER_QPS, Site

__all__ = ["Cluster", "ProcessStatus"]

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """What a process of the cluster does now.

    ``state`` is ``starting``, ``ready``, ``stopped`` or how it ended. ``failure`` is empty unless it ended although
    nobody had asked it to; then it is what to tell a person, with the last lines of its log.
    """

    name: str
    state: str
    address: str
    pid: int | None
    memory_bytes: int
    failure: str = ""


class Cluster:
    """A running cluster. Every method blocks and may be called from any thread; from async code use ``to_thread``.

    The cluster ends with the ``with`` block, with :meth:`stop`, and with the process that started it, however that
    ends, unless :meth:`detach` was called.
    """

    def __init__(self, directory: Path, *, say: Say = print) -> None:
        self.directory = directory.absolute()
        self._say = say
        self._lifeline: Lifeline | None = None
        self._detached = False

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        parts: Iterable[str] = (CONTROL_PLANE,),
        audit: bool = False,
        scrape_interval: str = "1s",
        images: Path | None = None,
        controller_qps: int = CONTROLLER_QPS,
        say: Say = print,
    ) -> Self:
        """Start a new cluster in ``directory``, which is emptied of an earlier one.

        ``audit``: keep one line per API request in :attr:`audit_log`. ``scrape_interval``: of Prometheus. ``images``:
        the node's table from image names to commands. ``controller_qps``: requests a second that each controller of
        kube-controller-manager may send, and half as many more at once. Raises :class:`BinaryUnavailableError` before
        anything is started, :class:`PartFailedError` as soon as a part ends or does not become ready,
        :class:`LocalClusterError` if a cluster runs there already.
        """
        wanted = list(dict.fromkeys((CONTROL_PLANE, *parts)))
        binaries = locate(binaries_of(wanted), say)
        cluster = cls(directory, say=say)
        with locked(directory / "lock"):
            _make_room(cluster.directory)
            Site.create(
                cluster.directory,
                audit=audit,
                scrape_interval=scrape_interval,
                images=images,
                controller_qps=controller_qps,
            )
            try:
                cluster._lifeline = Lifeline(cluster._site)
                cluster._lifeline.until_it_answers()
                cluster._ensure(wanted, binaries)
            except BaseException:
                cluster.stop()
                raise
        return cluster

    @classmethod
    def attach(cls, directory: Path, *, say: Say = print) -> Self:
        """Return the cluster that runs in ``directory``. Raises :class:`NotRunningError`."""
        cluster = cls(directory, say=say)
        cluster.status()
        return cluster

    def ensure(self, *parts: str) -> None:
        """Start the parts that do not run yet and wait until they are ready; those that run are left alone."""
        ready = {process.name for process in self.status() if process.state == "ready"}
        missing = [part for part in parts if not ready.issuperset(processes_of([part]))]
        if missing:
            self._ensure(missing, locate(binaries_of(missing), self._say))

    def stop_part(self, process: str) -> None:
        """End one process gracefully, e.g. ``prometheus``; the others run on."""
        self._request("stop", process=process)

    def kill_part(self, process: str) -> None:
        """End one process with SIGKILL."""
        self._request("kill", process=process)

    def restart_part(self, process: str) -> None:
        """Start one process again, at the same address and with the data it had; stop it before, if it runs."""
        self._request("restart", process=process)

    def status(self) -> list[ProcessStatus]:
        """Report every process that was ever started."""
        return [ProcessStatus(**process) for process in self._request("status")]

    def logs(self, process: str) -> str:
        """What a process has written so far. Raises :class:`LocalClusterError` if there is no such log."""
        try:
            return self._site.log(process).read_text(errors="replace")
        except FileNotFoundError:
            known = ", ".join(sorted(path.stem for path in self._site.log("").parent.glob("*.log")))
            raise LocalClusterError(f"no log of {process!r}; there are {known}") from None

    def detach(self) -> None:
        """Let the cluster outlive the ``with`` block and this process, until somebody stops it."""
        self._request("detach")
        self._detached = True
        if self._lifeline:
            self._lifeline.let_go()

    def stop(self) -> bool:
        """End everything and wait until it is gone; also after a supervisor that no longer answers.

        False if there was nothing to end. Raises :class:`NotRunningError` if there never was a cluster.
        """
        answered = answers(self._site)
        with suppress(NotRunningError):
            self._request("shutdown")
        left = kill_all(self._site.id)
        if self._lifeline:
            self._lifeline.let_go()
            self._lifeline.supervisor.wait()
        return answered or bool(left)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as the administrator and return its output. Raises :class:`LocalClusterError` if it fails."""
        return kubectl(self._site, *arguments, stdin=stdin)

    def kubeconfig_for(self, user: str, groups: Iterable[str] = ()) -> Path:
        """Write a kubeconfig for a user who may do what RBAC grants to that name and these groups."""
        return self._site.kubeconfig_for(user, tuple(groups))

    @property
    def id(self) -> str:
        """What every process of the cluster carries in its environment, see :mod:`localcluster.processes.reaper`."""
        return self._site.id

    def binary(self, name: str) -> Path:
        """Where an executable was found, e.g. ``kubectl``."""
        return Path(self._site.binaries[name])

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self._site.kubeconfig

    @property
    def audit_log(self) -> Path:
        """JSON lines, one per answered API request, if started with ``audit``."""
        return self._site.audit_log

    @property
    def prometheus_url(self) -> str:
        """Where Prometheus is. Raises :class:`LocalClusterError` if it was never started, as do the next three."""
        return self._url("prometheus")

    @property
    def victoria_metrics_url(self) -> str:
        """Where VictoriaMetrics is, which speaks Prometheus' API."""
        return self._url("victoria-metrics")

    @property
    def mlflow_url(self) -> str:
        """Where the MLflow server is."""
        return self._url("mlflow")

    @property
    def gateway_url(self) -> str:
        """Where the gateway takes requests; routes are told apart by the Host header."""
        return self._url("gateway")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._detached:
            self.stop()

    def _ensure(self, parts: Iterable[str], binaries: dict[str, Path]) -> None:
        paths = {name: str(path) for name, path in binaries.items()}
        self._request("ensure", parts=list(parts), binaries=paths)

    def _url(self, process: str) -> str:
        for status in self.status():
            if status.name == process:
                return f"http://{status.address}"
        raise LocalClusterError(f"{process} was not started; ensure({process!r}) starts it")

    def _request(self, verb: str, **arguments: Any) -> Any:
        return control.request(self._site.socket, verb, self._say, **arguments)

    @property
    def _site(self) -> Site:
        """Read anew each time: the supervisor writes to it."""
        return Site.load(self.directory)


def _make_room(directory: Path) -> None:
    """End what a lost supervisor may have left here. Raises :class:`LocalClusterError` if a cluster runs."""
    try:
        earlier = Site.load(directory)
    except NotRunningError:
        return
    if answers(earlier):
        raise LocalClusterError(f"a cluster is running in {directory}")
    kill_all(earlier.id)
