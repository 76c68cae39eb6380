"""From the verdict to weight 0 at the gateway: rollbacks of a bad version, under real traffic, through real Envoy.

The clock starts when a watch shows the status in which the verdict stands, and ends with the last answer that the
loser gave to a client of the gateway. So the figure includes the write of the route, the gateway's own delay, and the
requests that were under way.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import httpx
from rollmodel.adapters.kubernetes.apiserver import ApiServer

from localcluster.kubeapi import KubeApi, Mirror, Object
from tests.bench.scale.progress import say
from tests.bench.scale.rig.objects import PATH
from tests.bench.scale.rig.process import operator
from tests.bench.scale.rig.stack import NAMESPACE, Stack
from tests.support.live.light_models import LightRegistry
from tests.support.live.rollout import LiveRollout, at_rest, light_spec, verdict
from tests.support.live.servers.light_server import Behaviour

__all__ = ["Rollback", "measure"]

_SETTINGS = {
    "OPERATOR_IMAGE": "localhost/rollmodel/operator:dev",
    "SERVER_IMAGE": "localhost/rollmodel/server:dev",
    "REGISTRY_POLL_SECONDS": "2",
    "PROMETHEUS_DELAY_SECONDS": "2",
}
_GOOD, _BAD = "good", "bad"
_PAUSE_SECONDS = 0.01
"""Between two requests of one client: the resolution of the figure."""
_CLIENTS = 2
_AFTERWARDS_SECONDS = 5.0
_GONE = 2.0
"""Nobody heard of the loser for so long: it has no weight."""


@dataclass(frozen=True, slots=True)
class Rollback:
    """One rollback: seconds from the verdict to the loser's last answer, and how many answers it gave after it."""

    seconds: float
    answers: int


async def measure(where: Stack, count: int) -> list[Rollback]:
    """So many rollbacks of one object, one after the other."""
    model = await LightRegistry(where.cluster.mlflow_url).model(
        Behaviour(_GOOD), *(Behaviour(_BAD, errors=1.0) for _ in range(count))
    )
    api = await ApiServer.connect(str(where.cluster.kubeconfig))
    try:
        with operator(where, PROMETHEUS_URL=where.cluster.prometheus_url, **_SETTINGS) as process:
            await process.start()
            subject = await _serving(api, model.name)
            async with _verdicts(where) as said, _traffic(where, subject) as answered:
                return [await _rollback(subject, str(version), said, answered) for version in range(2, count + 2)]
    finally:
        await api.close()


async def _serving(api: ApiServer, model: str) -> LiveRollout:
    """An object that serves the good version behind the gateway."""
    subject = LiveRollout(api, NAMESPACE, "subject")
    listener = {"name": "http", "port": 80, "protocol": "HTTP"}
    spec = {"gatewayClassName": "rollmodel-local", "listeners": [listener]}
    await subject.make("Gateway", {"metadata": {"name": "public"}, "spec": spec})
    await subject.create(light_spec(model, "1"))
    await subject.until(at_rest("1"))
    return subject


async def _rollback(
    subject: LiveRollout, version: str, said: dict[str, float], answered: dict[str, list[float]]
) -> Rollback:
    """Try a bad version, wait for the verdict and for its last answer."""
    await subject.version(version)
    await subject.until(verdict(version, "RolledBack"))
    await asyncio.sleep(_AFTERWARDS_SECONDS)
    began = said[version]
    late = [moment for moment in answered[_BAD] if moment > began]
    if late and time.monotonic() - late[-1] < _GONE:
        raise RuntimeError(f"version {version} still answers {time.monotonic() - began:.1f} s after the verdict")
    say(f"version {version}: {len(late)} answers after the verdict")
    return Rollback(max(late, default=began) - began, len(late))


@asynccontextmanager
async def _verdicts(where: Stack) -> AsyncIterator[dict[str, float]]:
    """When the status first said that a version is rolled back (monotonic seconds), by version."""
    said: dict[str, float] = {}

    def changed(_: Object | None, new: Object | None) -> None:
        status = (new or {}).get("status", {})
        for entry in status.get("history", []):
            if entry["verdict"] == "RolledBack":
                said.setdefault(entry["toVersion"], time.monotonic())

    async with KubeApi.connect(str(where.cluster.kubeconfig)) as api:
        task = asyncio.create_task(Mirror(api, PATH, changed).run())
        try:
            yield said
        finally:
            await _end(task)


@asynccontextmanager
async def _traffic(where: Stack, subject: LiveRollout) -> AsyncIterator[dict[str, list[float]]]:
    """Clients that never pause for long; when each version answered (monotonic seconds), by its name."""
    answered: dict[str, list[float]] = {_GOOD: [], _BAD: []}
    url, header = f"{where.cluster.gateway_url}/invocations", {"Host": subject.host}

    async def client(http: httpx.AsyncClient) -> None:
        while True:
            answer = await http.post(url, content=b"{}", headers=header)
            if answer.text in answered:
                answered[answer.text].append(time.monotonic())
            await asyncio.sleep(_PAUSE_SECONDS)

    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        tasks = [asyncio.create_task(client(http)) for _ in range(_CLIENTS)]
        try:
            yield answered
        finally:
            for task in tasks:
                await _end(task)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
