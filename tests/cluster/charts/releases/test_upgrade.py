"""From the release before to this one and back, while models serve and rollouts are on their way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from rollmodel.adapters.kubernetes.apiserver import ApiServer
from rollmodel.api.modeldeployment import ModelDeploymentStatus
from rollmodel.evidence import judge

from demo.traffic import sending
from localcluster import Cluster
from tests.cluster.charts.conftest import Helm, Object
from tests.cluster.charts.releases.test_release import PATIENCE, Release
from tests.support.earlier import Earlier, earlier
from tests.support.eventually import PATIENCE_SECONDS
from tests.support.live.light_models import LightModel, LightRegistry
from tests.support.live.rollout import LiveRollout, at_rest, light_spec, tried_at, verdict
from tests.support.live.servers.light_server import Behaviour

pytestmark = [pytest.mark.cluster, pytest.mark.slow]  # Helm may have to be built

TEAM = "team-upgrade"
GOOD = Behaviour()
FAILING = Behaviour(errors=0.5)
#: Nobody resumes it: the candidate keeps its weight until somebody does.
WAITING: list[Object] = [{"weight": 50}, {"pause": "Manual"}]
BRIEF: list[Object] = [{"weight": 50}]
#: Is judged for longer than an upgrade takes.
LONG: list[Object] = [{"weight": 50, "minSeconds": 150}]
ENDLESS: list[Object] = [{"weight": 50, "minSeconds": 3600}]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Earlier:
    return earlier(tmp_path_factory.mktemp("before"))


@pytest.fixture
def release(bare: Cluster, helm: Helm) -> Iterator[Release]:
    """With what rollouts need beside an operator, and with a team's namespace."""
    bare.ensure("gateway", "prometheus", "mlflow")
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": TEAM, "labels": restricted}}
    bare.kubectl("create", "-f", "-", stdin=json.dumps(namespace))
    made = Release(bare, helm)
    yield made
    made.clear()
    bare.kubectl("delete", "namespace", TEAM, "--timeout=60s")


@pytest.fixture
async def team(release: Release) -> AsyncIterator[LiveRollout]:
    """The team's namespace, with a Gateway."""
    api = await ApiServer.connect(str(release.cluster.kubeconfig))
    everything = LiveRollout(api, TEAM, "")
    listener = {"name": "http", "port": 80, "protocol": "HTTP"}
    await everything.make(
        "Gateway",
        {"metadata": {"name": "public"}, "spec": {"gatewayClassName": "rollmodel-local", "listeners": [listener]}},
    )
    yield everything
    await api.close()


def settings(cluster: Cluster, code: Path | None = None) -> Object:
    """Values with which rollouts take seconds; ``code``: the tree whose operator runs, else this one."""
    values: Object = {
        "imageRegistry": "localhost",
        "settings": {
            "registry": {"url": cluster.mlflow_url, "pollSeconds": 1},
            "prometheus": {"url": cluster.prometheus_url, "delaySeconds": 2},
            "retrySeconds": 4,
        },
    }
    if code is not None:
        values["extraEnv"] = [{"name": "PYTHONPATH", "value": f"{code}/operator:{code}"}]
        values["serverImage"] = {"tag": "before"}
    return values


class Fleet:
    """Models of the team, each with an object of its name."""

    def __init__(self, team: LiveRollout, model: LightModel) -> None:
        self._team, self._model = team, model

    def one(self, name: str) -> LiveRollout:
        return LiveRollout(self._team.api, TEAM, name)

    async def create(self, name: str, steps: list[Object], **changes: Any) -> LiveRollout:
        """An object that serves version 1."""
        spec = light_spec(self._model.name, "1", **changes)
        await self.one(name).create({**spec, "rollout": {**spec["rollout"], "steps": steps, "deadlineSeconds": 600}})
        return self.one(name)

    async def pods(self) -> dict[str, int]:
        """How often the containers of each pod have been started again, by the pod's UID."""
        return {
            pod["metadata"]["uid"]: sum(one["restartCount"] for one in pod["status"].get("containerStatuses", ()))
            for pod in await self._team.list("Pod")
            if "deletionTimestamp" not in pod["metadata"]
        }


def begun(status: ModelDeploymentStatus) -> float:
    """When judging began."""
    assert status.judge is not None
    return judge.load(status.judge).begun


async def test_a_release_is_replaced_while_rollouts_are_on_their_way(
    release: Release, team: LiveRollout, before: Earlier
) -> None:
    """No pod of a model restarts, each rollout ends as it would have, and nobody who asks gets an error."""
    cluster = release.cluster
    old = settings(cluster, before.folder)
    await asyncio.to_thread(release.install, values=old, chart=before.chart)
    registry = LightRegistry(cluster.mlflow_url)
    fleet = Fleet(team, await registry.model(GOOD, GOOD, FAILING))
    steady, good = await fleet.create("steady", WAITING), await fleet.create("good", LONG)
    bad, waiting = await fleet.create("bad", BRIEF), await fleet.create("waiting", WAITING, analysis={"metrics": []})
    for one in (steady, good, bad, waiting):
        await one.until(at_rest("1"))

    async with (
        sending(cluster.gateway_url, steady.host, ("{}",), 5) as answers,
        sending(cluster.gateway_url, good.host, ("{}",), 20) as answers_of_good,
    ):
        await bad.version("3")  # nobody asks it anything, so nothing is decided
        await waiting.version("2")
        await bad.until(tried_at("3", 50))
        await waiting.until(lambda status: tried_at("2", 50)(status) and status.paused)
        await good.version("2")
        at = begun(await good.until(lambda status: status.judge and tried_at("2", 50)(status)))
        pods = await fleet.pods()
        await asyncio.to_thread(release.upgrade, "--reset-then-reuse-values", values=settings(cluster))
        status = await good.status()
        assert tried_at("2", 50)(status), "it was decided before the new operator worked, and shows nothing"
        assert begun(status) == at
        assert (await waiting.status()).paused
        assert await fleet.pods() == pods

        async with sending(cluster.gateway_url, bad.host, ("{}",), 20):
            assert verdict("3", "RolledBack")(await bad.until(at_rest("1")))
        assert verdict("2", "Promoted")(await good.until(at_rest("2")))
        await waiting.command("resume")
        assert verdict("2", "Promoted")(await waiting.until(at_rest("2")))
        now = await fleet.pods()
        assert all(now[uid] == pods[uid] for uid in set(now) & set(pods))
    assert set(answers.codes) == set(answers_of_good.codes) == {"200"}


async def test_back_to_the_release_before_then_away_and_back_again(
    release: Release, team: LiveRollout, before: Earlier
) -> None:
    """The older operator goes on with what the newer one has begun; without any, models serve."""
    cluster = release.cluster
    await asyncio.to_thread(release.install, values=settings(cluster, before.folder), chart=before.chart)
    await asyncio.to_thread(release.upgrade, "--reset-then-reuse-values", values=settings(cluster))
    fleet = Fleet(team, await LightRegistry(cluster.mlflow_url).model(GOOD, GOOD, GOOD))
    good, waiting = await fleet.create("good", LONG), await fleet.create("waiting", WAITING, analysis={"metrics": []})
    for one in (good, waiting):
        await one.until(at_rest("1"))

    async with (
        sending(cluster.gateway_url, waiting.host, ("{}",), 5) as answers,
        sending(cluster.gateway_url, good.host, ("{}",), 20) as answers_of_good,
    ):
        await waiting.version("2")
        await waiting.until(lambda status: tried_at("2", 50)(status) and status.paused)
        await good.version("2")
        await good.until(lambda status: status.judge and tried_at("2", 50)(status))
        pods = await fleet.pods()
        await asyncio.to_thread(release.do, "rollback", "1", "--force-conflicts", *PATIENCE)
        assert await fleet.pods() == pods
        assert verdict("2", "Promoted")(await good.until(at_rest("2")))
        status = await waiting.status()
        assert status.paused
        assert tried_at("2", 50)(status)

        await asyncio.to_thread(release.do, "uninstall", "--wait", "--timeout", "60s")
        pods = await fleet.pods()
        assert tried_at("2", 50)(await waiting.status())
        await asyncio.to_thread(release.install, values=settings(cluster))
        await waiting.command("resume")
        assert verdict("2", "Promoted")(await waiting.until(at_rest("2")))
        now = await fleet.pods()
        assert all(now[uid] == pods[uid] for uid in set(now) & set(pods))
    assert set(answers.codes) == set(answers_of_good.codes) == {"200"}


async def looks(of: LiveRollout) -> AsyncIterator[tuple[float, int, float]]:
    """Each state of the judge that is ever stored: when judging began, how many windows it has seen, and until when."""
    query = {"watch": "true", "fieldSelector": f"metadata.name={of.name}"}
    path = f"/apis/rollmodel.dev/v1alpha1/namespaces/{of.namespace}/modeldeployments"
    async for line in of.api.lines(path, query=query, silence=PATIENCE_SECONDS):
        if text := json.loads(line)["object"].get("status", {}).get("judge"):
            state = judge.load(text)
            yield state.begun, state.ticks, state.end


async def test_two_operators_are_replaced_one_by_one_and_no_window_is_judged_twice(
    release: Release, team: LiveRollout
) -> None:
    """The Lease goes from pod to pod in the middle of a rollout, which goes on."""
    cluster = release.cluster
    two = {**settings(cluster), "replicas": 2}
    await asyncio.to_thread(release.install, values=two)
    fleet = Fleet(team, await LightRegistry(cluster.mlflow_url).model(GOOD, GOOD))
    good = await fleet.create("good", ENDLESS)
    await good.until(at_rest("1"))
    seen: list[tuple[float, int, float]] = []

    async def watch() -> None:
        async for one in looks(good):
            if one not in seen:
                seen.append(one)

    watching = asyncio.create_task(watch())
    async with sending(cluster.gateway_url, good.host, ("{}",), 20) as answers:
        await good.version("2")
        await good.until(lambda status: status.judge and tried_at("2", 50)(status))
        pods, first = await fleet.pods(), leader(release)
        await asyncio.to_thread(release.upgrade, values={**two, "podLabels": {"a": "b"}})
        assert leader(release) != first
        assert await fleet.pods() == pods
        enough = len(seen) + 5
        await good.until(lambda _: len(seen) >= enough)
        await good.command("promote")
        status = await good.until(at_rest("2"))
    watching.cancel()
    assert [entry.verdict for entry in status.history if entry.to_version == "2"] == ["Promoted"]
    assert len({begun for begun, _, _ in seen}) == 1
    for (_, sooner, end), (_, later, then) in pairwise(seen):
        assert later > sooner, "the judge went back"
        assert then - end >= later - sooner, "each window is a second long, and they lie one behind the other"
    assert set(answers.codes) == {"200"}


def leader(release: Release) -> str:
    """Who holds the Lease."""
    holder: str = release.get("lease", "rollmodel")["spec"]["holderIdentity"]
    return holder
