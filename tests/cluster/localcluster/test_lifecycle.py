"""A cluster starts, lives beside another, and leaves no process behind, whatever way it ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localcluster import Cluster, LocalClusterError, NotRunningError
from localcluster.processes.reaper import ID_VARIABLE, members
from localcluster.site import Site

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("interruptible")]

Wait = Callable[[Callable[[], bool]], None]
REPOSITORY = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "localcluster"]
HOLD = """
import sys, time
from pathlib import Path
from localcluster import Cluster
with Cluster.start(Path(sys.argv[1])):
    print("holding", flush=True)
    time.sleep(1000)
"""
# A container that starts a process outside its own process group and session.
WANDERER = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "wanderer"},
    "spec": {
        "containers": [{"name": "main", "image": "busybox", "args": ["sh", "-c", "setsid sleep 1000 & sleep 1000"]}]
    },
}


def launch(*command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=REPOSITORY)


def read_until(process: subprocess.Popen[str], start: str) -> None:
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if line.startswith(start):
            return
    pytest.fail(f"no line {start!r} in:\n{''.join(seen)}")


def identity(directory: Path) -> str:
    return str(json.loads((directory / "cluster.json").read_text())["id"])


def ports(cluster: Cluster) -> set[int]:
    return set(json.loads((cluster.directory / "cluster.json").read_text())["ports"].values())


def run(*arguments: str) -> str:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=True, cwd=REPOSITORY).stdout


@pytest.fixture
def directory(cluster: Cluster, tmp_path: Path) -> Iterator[Path]:
    """For a cluster of the test's own. The session's cluster is asked for because it skips without binaries."""
    yield tmp_path / "own"
    if (tmp_path / "own" / "cluster.json").exists():
        Cluster(tmp_path / "own").stop()


def test_two_clusters_know_nothing_of_each_other(cluster: Cluster, directory: Path) -> None:
    with Cluster.start(directory) as other:
        other.kubectl("create", "namespace", "only-here")
        assert "only-here" not in cluster.kubectl("get", "namespaces")
        ours = members(other.id)
        assert ours.isdisjoint(members(cluster.id))
        assert len(ours) == 5  # the supervisor and the four of the control plane
        assert ports(other).isdisjoint(ports(cluster))
        with pytest.raises(LocalClusterError, match="a cluster is running in"):
            Cluster.start(directory)
    assert not members(other.id)
    assert cluster.kubectl("get", "--raw", "/readyz") == "ok"
    with pytest.raises(NotRunningError):
        Cluster.attach(directory)


def test_the_supervisor_is_killed(directory: Path, wait_until: Wait) -> None:
    with Cluster.start(directory, parts=["node"]) as own:
        default = ["get", "serviceaccounts", "-o", "name"]
        wait_until(lambda: "default" in own.kubectl(*default))
        own.kubectl("create", "-f", "-", stdin=json.dumps(WANDERER))
        wait_until(lambda: len(members(own.id)) == 9)  # 5, the node, the shell and two sleeps
        assert own._lifeline is not None
        own._lifeline.supervisor.kill()
        wait_until(lambda: not members(own.id))
        with pytest.raises(NotRunningError):
            own.status()


def test_whoever_started_it_is_killed(directory: Path, wait_until: Wait) -> None:
    with launch(sys.executable, "-c", HOLD, str(directory)) as launcher:
        read_until(launcher, "holding")
        assert len(members(identity(directory))) == 5
        launcher.kill()
    wait_until(lambda: not members(identity(directory)))


@pytest.mark.parametrize("moment", ["etcd: ready", "holding"])
def test_interrupt_from_the_keyboard(directory: Path, moment: str) -> None:
    with launch(sys.executable, "-c", HOLD, str(directory)) as launcher:
        read_until(launcher, moment)
        launcher.send_signal(signal.SIGINT)
    assert not members(identity(directory))


def test_the_command(directory: Path) -> None:
    flag = f"--dir={directory}"
    assert "kube-scheduler: ready at 127.0.0.1:" in run("up", flag, "--parts=control-plane")
    own = Cluster.attach(directory)
    supervised = members(own.id)
    again = run("up", flag, "--parts=control-plane")
    assert again.splitlines()[0] == f"a cluster is running in {directory}"
    assert f"export KUBECONFIG={own.kubeconfig}" in again
    assert members(own.id) == supervised
    assert [line.split()[1] for line in run("status", flag).splitlines()[1:5]] == ["ready"] * 4
    assert run("kubeconfig", flag).strip() == str(own.kubeconfig)
    assert "Serving securely" in run("logs", flag, "kube-scheduler")
    run("down", flag)
    assert not members(own.id)
    with pytest.raises(subprocess.CalledProcessError) as failed:
        run("status", flag)
    assert "no cluster is running in" in failed.value.stderr


def test_an_interrupted_command_starts_nothing(directory: Path) -> None:
    with launch(*COMMAND, "up", f"--dir={directory}", "--parts=control-plane") as launcher:
        read_until(launcher, "etcd: ready")
        launcher.send_signal(signal.SIGINT)
        assert launcher.wait() == 130
    assert not members(identity(directory))


def test_down_ends_what_a_lost_supervisor_left(tmp_path: Path) -> None:
    """No supervisor, no watchdog: only the mark in its environment leads to the process."""
    site = Site.create(tmp_path / "lost", audit=False, scrape_interval="1s", images=None)
    with subprocess.Popen(["sleep", "1000"], env={**os.environ, ID_VARIABLE: site.id}) as stray:
        run("down", f"--dir={site.root}")
        assert stray.wait() == -signal.SIGKILL
