"""Argo CD's engine follows a Git repository: the chart's output and a team's objects stay synced, whatever goes on.

The engine is the real one, its own sync, diff, self-healing and pruning, as a process (`agent` of its repository).
It applies as `kubectl apply` does: in this version it names no field manager for a server-side apply.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from rollmodel.adapters.kubernetes.apiserver import ApiServer

from demo.traffic import sending
from localcluster import Cluster
from localcluster.binaries import locate
from localcluster.network import free_port
from localcluster.processes.reaper import ID_VARIABLE
from tests.cluster.charts.conftest import HERE, Helm, Object
from tests.cluster.charts.test_release import NAMESPACE
from tests.cluster.charts.test_upgrade import settings
from tests.support.binaries import needs_binaries
from tests.support.eventually import eventually
from tests.support.live.light_models import LightRegistry
from tests.support.live.light_server import Behaviour
from tests.support.live.rollout import KINDS, LiveRollout, at_rest, light_spec, verdict

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.slow,
    pytest.mark.skipif(os.environ.get("ROLLMODEL_E2E_GITOPS") != "1", reason="`make e2e-gitops` runs it"),
]

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


Follow = Callable[[str], Agent]


@pytest.fixture(scope="module")
def engine(request: pytest.FixtureRequest) -> Path:
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with needs_binaries(os.environ), capture.global_and_fixture_disabled():
        return locate(["gitops-agent"])["gitops-agent"]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.create(tmp_path / "repository")


@pytest.fixture
def follow(engine: Path, bare: Cluster, repository: Repository, tmp_path: Path) -> Iterator[Follow]:
    agents: list[Agent] = []

    def start(path: str) -> Agent:
        agents.append(Agent(engine, bare, repository, path, tmp_path / f"{path}.log"))
        return agents[-1]

    yield start
    for one in agents:
        one.stop()


@pytest.fixture
async def team(bare: Cluster) -> AsyncIterator[LiveRollout]:
    """The team's ModelDeployment, which is not there yet; its namespace is, with a Gateway."""
    bare.ensure("gateway", "prometheus", "mlflow")
    for name in (NAMESPACE, TEAM):
        restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": restricted}}
        bare.kubectl("create", "-f", "-", stdin=json.dumps(namespace))
    api = await ApiServer.connect(str(bare.kubeconfig))
    churn = LiveRollout(api, TEAM, "churn")
    listener = {"name": "http", "port": 80, "protocol": "HTTP"}
    spec = {"gatewayClassName": "rollmodel-local", "listeners": [listener]}
    await churn.make("Gateway", {"metadata": {"name": "public"}, "spec": spec})
    yield churn
    await api.close()
    for name in (NAMESPACE, TEAM):
        bare.kubectl("delete", "namespace", name, "--timeout=60s")


def chart(helm: Helm, cluster: Cluster) -> list[Object]:
    """What the chart installs, as Argo CD renders it: hooks are no objects of an Application."""
    objects = helm.render({**HERE, **settings(cluster)})
    return [one for one in objects if "helm.sh/hook" not in one["metadata"].get("annotations", {})]


def manifest(churn: LiveRollout, model: str, version: str, **changes: Any) -> Object:
    """The team's object, without a number of replicas: that is somebody else's."""
    traffic = {"parentRefs": [{"name": "public"}], "hostnames": [churn.host]}
    spec = {**light_spec(model, version, **changes), "traffic": traffic}
    return {
        "apiVersion": "rollmodel.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": churn.name, "namespace": churn.namespace},
        "spec": spec,
    }


async def generation(churn: LiveRollout) -> int:
    body = await churn.get("ModelDeployment", churn.name)
    assert body is not None
    number: int = body["metadata"]["generation"]
    return number


async def test_what_is_in_git_stays_synced_and_goes_as_a_whole(
    bare: Cluster, helm: Helm, repository: Repository, follow: Follow, team: LiveRollout
) -> None:
    """Operator and model come from Git; a rollout, somebody's scaling and a change by hand; then both go."""
    model = await LightRegistry(bare.mlflow_url).model(Behaviour(), Behaviour())
    repository.write("platform/all.yaml", chart(helm, bare))
    platform = follow("platform")
    await platform.synced(1)
    repository.write("team/churn.yaml", [manifest(team, model.name, "1")])
    objects = follow("team")
    await team.until(at_rest("1"))

    result = await objects.synced()
    assert await generation(team) == 1
    assert list(result) == [f"rollmodel.dev/ModelDeployment/{TEAM}/churn"]
    async with sending(bare.gateway_url, team.host, ("{}",), 20) as answers:
        repository.write("team/churn.yaml", [manifest(team, model.name, "2")])
        before = len(objects.syncs())
        assert verdict("2", "Promoted")(await team.until(at_rest("2")))
        assert len(objects.syncs()) > before
        await objects.synced()
    assert await generation(team) == 2  # one change, from Git; the operator made none, and nothing was put back
    assert set(answers.codes) == {"200"}

    await team.api.request(
        "PATCH",
        f"/{KINDS['ModelDeployment'].format(TEAM)}/churn/scale",
        body={"spec": {"replicas": 2}},
        query={"fieldManager": "autoscaler"},
        content_type="application/merge-patch+json",
    )
    await team.until(lambda status: status.replicas == 2)
    await objects.synced()
    assert await generation(team) == 3
    assert (await team.status()).replicas == 2

    await team.change({"rollout": {"drainSeconds": 17}})  # by hand, which Git does not say
    await eventually(lambda: drain_seconds(team), lambda seconds: seconds == 1, "it is healed")
    number = await generation(team)
    await objects.synced()
    assert await generation(team) == number

    await platform.synced()
    kept = json.loads(bare.kubectl("get", "deployment", "rollmodel", "-n", NAMESPACE, "-o", "json"))
    assert kept["metadata"]["generation"] == 1
    repository.write("team/churn.yaml", [])
    await team.until_absent()
    await team.until_gone("Deployment", "Service", "HTTPRoute", "ControllerRevision", "Pod")
    repository.write("platform/all.yaml", [])
    await eventually(lambda: left(bare), lambda names: names == "", "the operator and its rights are gone")


async def drain_seconds(churn: LiveRollout) -> int:
    body = await churn.get("ModelDeployment", churn.name)
    assert body is not None
    seconds: int = body["spec"]["rollout"]["drainSeconds"]
    return seconds


async def left(cluster: Cluster) -> str:
    """What is left of the chart."""
    kinds = "deployments,serviceaccounts,clusterroles,clusterrolebindings,crds"
    asked = ("get", kinds, "-A", "-l", "app.kubernetes.io/name=rollmodel", "-o", "name")
    return (await asyncio.to_thread(cluster.kubectl, *asked)).strip()
