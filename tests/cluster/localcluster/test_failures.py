"""A part that fails is told: at the start, which then ends at once, and later, in the status and in the log."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from localcluster import Cluster, NotRunningError, PartFailedError
from localcluster.cluster import ProcessStatus
from localcluster.network import LOOPBACK
from localcluster.processes.reaper import members

pytestmark = pytest.mark.cluster

Wait = Callable[[Callable[[], bool]], None]
# Every server but etcd, without which the API server hangs; and the part that it belongs to.
PARTS = {
    "kube-apiserver": "control-plane",
    "kube-controller-manager": "control-plane",
    "kube-scheduler": "control-plane",
    "node": "node",
    "gateway": "gateway",
    "prometheus": "prometheus",
    "mlflow": "mlflow",
}


def status(cluster: Cluster, process: str) -> ProcessStatus:
    return next(status for status in cluster.status() if status.name == process)


@pytest.mark.parametrize(
    "process", [pytest.param(part, marks=[pytest.mark.slow] if part == "mlflow" else []) for part in PARTS]
)  # MLflow alone takes a minute
def test_a_part_whose_port_is_taken_says_so_at_once(cluster: Cluster, process: str) -> None:
    cluster.ensure(PARTS[process])
    port = int(status(cluster, process).address.rpartition(":")[2])
    cluster.stop_part(process)
    message = (
        rf"^{process} ended with \d+: its port {port} is in use by \S+ \(pid {os.getpid()}\); its log ends with:\n"
    )
    with socket.create_server((LOOPBACK, port)), pytest.raises(PartFailedError, match=message):
        cluster.restart_part(process)
    assert re.match(message, status(cluster, process).failure)
    cluster.restart_part(process)
    assert (status(cluster, process).state, status(cluster, process).failure) == ("ready", "")


def test_a_part_that_dies_ends_the_start_of_the_cluster(cluster: Cluster, tmp_path: Path) -> None:
    """The session's cluster is asked for because it skips without binaries."""
    directory = tmp_path / "own"
    with pytest.raises(
        PartFailedError, match=r"^prometheus ended with \d+; its log ends with:\n.*not a valid duration"
    ):
        Cluster.start(directory, parts=["prometheus"], scrape_interval="soon")
    assert not members(Cluster(directory).id)
    with pytest.raises(NotRunningError):
        Cluster.attach(directory)


def test_a_part_that_dies_later_is_told_in_the_status_and_in_the_log(cluster: Cluster, wait_until: Wait) -> None:
    cluster.ensure("prometheus")
    pid = status(cluster, "prometheus").pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: status(cluster, "prometheus").failure != "")
    failure = status(cluster, "prometheus").failure
    assert failure.startswith("prometheus ended by SIGKILL; its log ")
    assert failure in cluster.logs("supervisor")
    command = [sys.executable, "-m", "localcluster", "status", f"--dir={cluster.directory}"]
    assert failure in subprocess.run(command, capture_output=True, text=True, check=True).stdout
    cluster.ensure("prometheus")
    assert (status(cluster, "prometheus").state, status(cluster, "prometheus").failure) == ("ready", "")
