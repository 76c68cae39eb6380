"""From the first 503 of the holding page to the first answer of the model: how long a model at zero needs to wake up.

The clock starts when a client sends the request that the page answers, and at the answer somebody writes one pod into
the scale subresource, as a scaler does; what a scaler takes to notice (its polls, its query) comes on top. It ends with
the first 200 that the gateway passes on. The image is on the node, as always here.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml
from rollmodel.adapters.kubernetes.apiserver import ApiServer

from tests.bench.scale.measurements.first_answer import guide_request, trained
from tests.bench.scale.progress import say
from tests.bench.scale.rig.process import operator
from tests.bench.scale.rig.stack import NAMESPACE, Stack
from tests.support.live.light_models import LightRegistry
from tests.support.live.rollout import LiveRollout, light_spec
from tests.support.live.servers.light_server import Behaviour

__all__ = ["ColdStart", "measure"]

_EXAMPLES = Path(__file__).parents[4] / "examples"
_PAUSE_SECONDS = 0.02
"""Between two requests: the resolution of the figure."""
_QUICK: dict[str, Any] = {"drainSeconds": 1}
_HELD: dict[str, Any] = {"replicas": 1, "holdingPage": {"retryAfterSeconds": 30}}


@dataclass(frozen=True, slots=True)
class ColdStart:
    """Seconds from the first 503 to the first 200: of a server that starts at once, and of our model server.

    ``unserved``: answers of the whole measurement that were neither of the model nor of the page.
    """

    light: list[float]
    model: list[float]
    unserved: int


async def measure(where: Stack, count: int) -> ColdStart:
    """So many cold starts of each, one after the other."""
    await asyncio.to_thread(trained, where)
    body = await asyncio.to_thread(guide_request)
    where.cluster.kubectl("apply", "-n", NAMESPACE, "-f", str(_EXAMPLES / "gateway.yaml"))
    light = await LightRegistry(where.cluster.mlflow_url).model(Behaviour())
    wine = yaml.safe_load((_EXAMPLES / "wine" / "wine.yaml").read_text(encoding="utf-8"))["spec"]
    api = await ApiServer.connect(str(where.cluster.kubeconfig))
    try:
        with operator(where, PROMETHEUS_URL=where.cluster.prometheus_url) as process:
            await process.start()
            found, unserved = [], 0
            for name, spec, question in (("light", light_spec(light.name, "1"), b"{}"), ("wine", wine, body)):
                subject = LiveRollout(api, NAMESPACE, name)
                changed = {**spec, "scale": _HELD, "rollout": {**spec.get("rollout", {}), **_QUICK}}
                found.append(await _of(where, subject, changed, question, count))
                unserved += found[-1][1]
    finally:
        await api.close()
    return ColdStart(found[0][0], found[1][0], unserved)


async def _of(
    where: Stack, subject: LiveRollout, spec: dict[str, Any], question: bytes, count: int
) -> tuple[list[float], int]:
    """Cold starts of one object, and how many answers were neither of the model nor of the page."""
    await subject.create(spec)
    headers = {"Host": subject.host, "Content-Type": "application/json"}
    seconds: list[float] = []
    unserved, serves = 0, False
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http, asyncio.timeout(60 * (count + 5)):

        async def ask() -> tuple[float, httpx.Response]:
            await asyncio.sleep(_PAUSE_SECONDS)
            began = time.monotonic()
            return began, await http.post(f"{where.cluster.gateway_url}/invocations", content=question, headers=headers)

        async def until(code: int) -> tuple[float, float]:
            """When the request was sent that was answered so, and when the answer came."""
            nonlocal unserved
            while True:
                began, answer = await ask()
                held = answer.status_code == 503 and "Retry-After" in answer.headers
                if answer.status_code == code == 200 or (held and code == 503):
                    return began, time.monotonic()
                unserved += serves and answer.status_code != 200 and not held

        await until(200)
        serves = True
        for _ in range(count):
            await _scale(subject, 0)
            while (await subject.status()).replicas:  # they stay until the page has their requests
                await until(503)
            began, _ = await until(503)
            await _scale(subject, 1)
            seconds.append((await until(200))[1] - began)
            say(f"{subject.name}: the model answered {seconds[-1]:.2f} s after the first 503")
    return seconds, unserved


async def _scale(subject: LiveRollout, pods: int) -> None:
    await subject.patch("ModelDeployment", f"{subject.name}/scale", {"spec": {"replicas": pods}})
