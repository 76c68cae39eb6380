"""Argo CD's engine follows a Git repository: the chart's output and a team's objects stay synced, whatever goes on.

The engine is the real one, its own sync, diff, self-healing and pruning, as a process (`agent` of its repository).
It applies as `kubectl apply` does: in this version it names no field manager for a server-side apply.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rollmodel.adapters.kubernetes.apiserver import ApiServer

from demo.traffic import sending
from localcluster import Cluster
from localcluster.binaries import locate
from tests.cluster.charts.conftest import HERE, Helm, Object
from tests.cluster.charts.gitops.asked import (
    available,
    born,
    created,
    drain_seconds,
    exists,
    generation,
    is_available,
    left,
)
from tests.cluster.charts.gitops.gitops import TEAM, Agent, Repository
from tests.cluster.charts.releases.test_release import NAMESPACE
from tests.cluster.charts.releases.test_upgrade import settings
from tests.support.binaries import needs_binaries
from tests.support.eventually import eventually
from tests.support.live.light_models import LightRegistry
from tests.support.live.objects import KINDS
from tests.support.live.others.pod_metrics import pod_metrics
from tests.support.live.rollout import LiveRollout, at_rest, light_spec, verdict
from tests.support.live.servers.light_server import Behaviour

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.slow,
    pytest.mark.skipif(os.environ.get("ROLLMODEL_E2E_GITOPS") != "1", reason="`make e2e-gitops` runs it"),
]


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

    await _is_scaled_by_another(team, objects)
    await _is_healed(team, objects)
    await platform.synced()
    kept = json.loads(bare.kubectl("get", "deployment", "rollmodel", "-n", NAMESPACE, "-o", "json"))
    assert kept["metadata"]["generation"] == 1
    repository.write("team/churn.yaml", [])
    await team.until_absent()
    await team.until_gone("Deployment", "Service", "HTTPRoute", "ControllerRevision", "Pod")
    repository.write("platform/all.yaml", [])
    await eventually(lambda: left(bare), lambda names: names == "", "the operator and its rights are gone")


async def _is_scaled_by_another(team: LiveRollout, objects: Agent) -> None:
    """Somebody scales what is in Git without a number of replicas: nobody takes that back."""
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


async def _is_healed(team: LiveRollout, objects: Agent) -> None:
    """A change by hand of what Git says is put back, and that ends it."""
    await team.change({"rollout": {"drainSeconds": 17}})  # by hand, which Git does not say
    await eventually(lambda: drain_seconds(team), lambda seconds: seconds == 1, "it is healed")
    number = await generation(team)
    await objects.synced()
    assert await generation(team) == number


async def test_waves_come_one_after_the_other_and_an_autoscaler_is_left_alone(
    bare: Cluster, helm: Helm, repository: Repository, follow: Follow, team: LiveRollout
) -> None:
    """Definitions, operator and model in one sync; then the real HPA controller scales what is in Git."""
    model = await LightRegistry(bare.mlflow_url).model(Behaviour())
    cpu = [{"cpu": {"averageValue": "100m"}}]
    scaled = {"scale": {"autoscaling": {"minReplicas": 1, "maxReplicas": 4, "metrics": cpu, "scaleDownSeconds": 0}}}
    installed = [in_wave(one, -10 if one["kind"] == "CustomResourceDefinition" else 0) for one in chart(helm, bare)]
    repository.write("all/platform.yaml", installed)
    repository.write("all/churn.yaml", [in_wave(manifest(team, model.name, "1", **scaled), 10)])
    engine = follow("all")
    for reached in (lambda: exists(bare, "crd", "modeldeployments.rollmodel.dev"), lambda: is_available(bare)):
        await eventually(reached, bool, "the wave is there")
        engine.stop()  # Argo CD looks anew at what lives all the time; this agent does so when it begins
        engine = follow("all")
    await team.until(at_rest("1"))
    assert await created(bare, "crd", "modeldeployments.rollmodel.dev") <= await available(bare) <= await born(team)

    load = {"total": 0}

    async def usage(selector: str) -> dict[str, int]:
        pods = [pod["metadata"]["name"] for pod in await team.list("Pod", selector)]
        return {name: load["total"] // len(pods) for name in pods}

    async with pod_metrics(bare, TEAM, repository.folder.parent, usage):
        for wanted in (3, 1):
            load["total"] = wanted * 100
            await team.until(lambda status, wanted=wanted: status.replicas == wanted)  # type: ignore[misc]
            number = await generation(team)
            await engine.synced()
            assert await generation(team) == number
            assert (await team.status()).replicas == wanted
    repository.write("all/churn.yaml", [])  # first, while there is an operator to let it go
    await team.until_absent()
    await team.until_gone("Deployment", "Service", "HTTPRoute", "ControllerRevision", "HorizontalPodAutoscaler", "Pod")
    repository.write("all/platform.yaml", [])
    await eventually(lambda: left(bare), lambda names: names == "", "the operator and its rights are gone")


def in_wave(one: Object, wave: int) -> Object:
    """The same object, of a wave."""
    metadata = one["metadata"]
    annotations = {**metadata.get("annotations", {}), "argocd.argoproj.io/sync-wave": str(wave)}
    return {**one, "metadata": {**metadata, "annotations": annotations}}
