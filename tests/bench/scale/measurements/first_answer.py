"""From ``kubectl apply`` of one's own model to its first answer, and from a moved alias to a candidate that has begun.

The model, its manifest and its request are those of docs/guides/serve-your-own-model.md: two real pods of our model
server behind a real gateway. The operator has the settings that we ship. A rollout begins where its candidate stands in
status and its Deployment exists; its model is a light one, because nobody waits for its pods here.
"""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import yaml
from rollmodel.adapters.kubernetes.apiserver import ApiServer
from rollmodel.api.base import GROUP
from rollmodel.plan.naming import REVISION

from localcluster.kubeapi import KubeApi, Mirror, Object
from tests.bench.scale.progress import say
from tests.bench.scale.rig.objects import ALIAS, OURS, PATH
from tests.bench.scale.rig.process import operator
from tests.bench.scale.rig.stack import NAMESPACE, Stack
from tests.support.eventually import eventually
from tests.support.live.light_models import LightModel, LightRegistry
from tests.support.live.rollout import LiveRollout, at_rest, light_spec
from tests.support.live.servers.light_server import Behaviour

__all__ = ["Answer", "FirstAnswer", "guide_request", "measure", "trained"]

_EXAMPLES = Path(__file__).parents[4] / "examples"
_TRAIN = _EXAMPLES / "wine" / "train.py"
_POLL_SECONDS = 15.0
_PAUSE_SECONDS = 0.02
"""Between two requests: the resolution of the first answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Seconds from the start of ``kubectl apply`` to its end, to Ready, and to the first answer with status 200."""

    applied: float
    ready: float
    answered: float


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """Seconds each. ``training``: of the script, from its start to the moved alias; ``polled``: from the moved alias to
    the candidate, ``asked``: likewise where the object is asked to look at once, as ``rollmodel wait`` does.
    """

    training: list[float]
    answers: list[Answer]
    polled: list[float]
    asked: list[float]


async def measure(where: Stack, trainings: int, answers: int, moves: int) -> FirstAnswer:
    """Train so often, then apply, then move an alias, one after the other."""
    training = [await _timed(trained, where) for _ in range(trainings)]
    body = await asyncio.to_thread(guide_request)
    where.cluster.kubectl("apply", "-n", NAMESPACE, "-f", str(_EXAMPLES / "gateway.yaml"))
    api = await ApiServer.connect(str(where.cluster.kubeconfig))
    try:
        with operator(where, PROMETHEUS_URL=where.cluster.prometheus_url) as process:
            await process.start()
            async with _watched(where) as seen:
                wines = [LiveRollout(api, NAMESPACE, f"wine-{n}") for n in range(answers)]
                served = [await _answer(where, wine, body, seen) for wine in wines]
                subject, model = await _subject(api, where, 2 * moves + 1)
                polled = [await _moved(subject, model, str(n + 2), seen, ask=False) for n in range(moves)]
                asked = [await _moved(subject, model, str(moves + n + 2), seen, ask=True) for n in range(moves)]
    finally:
        await api.close()
    return FirstAnswer(training, served, polled, asked)


async def _timed(work: Callable[[Stack], None], where: Stack) -> float:
    began = time.monotonic()
    await asyncio.to_thread(work, where)
    return time.monotonic() - began


def trained(where: Stack) -> None:
    """Train the model of the guide, register it, and point the alias to it."""
    command = [sys.executable, str(_TRAIN), "--tracking-uri", where.cluster.mlflow_url, "--alias", ALIAS]
    subprocess.run(command, check=True, capture_output=True)
    say("a model was trained and registered")


async def _answer(where: Stack, wine: LiveRollout, body: bytes, seen: _Seen) -> Answer:
    """Apply one object, ask until it answers, and delete it again."""
    manifest = yaml.safe_load((_EXAMPLES / "wine" / "wine.yaml").read_text(encoding="utf-8"))
    manifest["metadata"]["name"], manifest["spec"]["traffic"]["hostnames"] = wine.name, [wine.host]
    began = time.monotonic()
    await asyncio.to_thread(where.cluster.kubectl, "apply", "-n", NAMESPACE, "-f", "-", stdin=json.dumps(manifest))
    applied = time.monotonic() - began
    answered = await _first_answer(where, wine.host, body) - began
    ready = await seen.until(lambda: seen.ready.get(wine.name)) - began
    say(f"{wine.name}: Ready after {ready:.1f} s, first answer after {answered:.1f} s")
    await wine.delete()
    await wine.until_absent()
    await wine.until_gone("Deployment", "Pod")
    return Answer(applied, ready, answered)


async def _first_answer(where: Stack, host: str, body: bytes) -> float:
    """When the gateway first passed on an answer of the model (monotonic seconds)."""
    headers = {"Host": host, "Content-Type": "application/json"}
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http, asyncio.timeout(600):
        while True:
            answer = await http.post(f"{where.cluster.gateway_url}/invocations", content=body, headers=headers)
            if answer.status_code == 200:
                return time.monotonic()
            await asyncio.sleep(_PAUSE_SECONDS)


async def _subject(api: ApiServer, where: Stack, versions: int) -> tuple[LiveRollout, LightModel]:
    """An object that serves version 1 and follows the alias of a model with so many versions."""
    model = await LightRegistry(where.cluster.mlflow_url).model(*(Behaviour() for _ in range(versions)))
    await model.point(ALIAS, "1")
    subject = LiveRollout(api, NAMESPACE, "follower")
    await subject.create(light_spec(model.name, alias=ALIAS))
    await subject.until(at_rest("1"))
    return subject, model


async def _moved(subject: LiveRollout, model: LightModel, version: str, seen: _Seen, *, ask: bool) -> float:
    """Move the alias at any moment between two polls; seconds until a candidate of that version has begun."""
    await asyncio.sleep(random.Random(version).uniform(0, _POLL_SECONDS))  # noqa: S311 - no secret
    began = time.monotonic()
    await model.point(ALIAS, version)
    if ask:
        token = {"metadata": {"annotations": {f"{GROUP}/refresh": secrets.token_hex(4)}}}
        await subject.patch("ModelDeployment", subject.name, token)
    seconds = await seen.until(lambda: seen.begun(subject.name, version)) - began
    say(f"version {version}: a candidate after {seconds:.1f} s" + (" (asked)" if ask else ""))
    return seconds


@dataclass
class _Seen:
    """When a watch first showed what (monotonic seconds)."""

    ready: dict[str, float] = field(default_factory=dict)
    candidates: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)
    """By object and version: the revision, and when it stood in status."""
    deployed: dict[str, float] = field(default_factory=dict)
    """By revision."""

    def object_changed(self, _: Object | None, new: Object | None) -> None:
        """An object: is it ready, and who is tried?"""
        if new is None:
            return
        name, candidate = new["metadata"]["name"], new.get("status", {}).get("candidate")
        if OURS.is_ready(new):
            self.ready.setdefault(name, time.monotonic())
        if candidate:
            key = name, candidate["modelVersion"]
            self.candidates.setdefault(key, (candidate["revision"], time.monotonic()))

    def child_changed(self, _: Object | None, new: Object | None) -> None:
        """A Deployment is there."""
        if new is not None:
            self.deployed.setdefault(new["metadata"]["labels"].get(REVISION, ""), time.monotonic())

    def begun(self, name: str, version: str) -> float | None:
        """When both the status and the Deployment of a candidate were there; None before that."""
        revision, noted = self.candidates.get((name, version), ("", 0.0))
        return max(noted, self.deployed[revision]) if revision in self.deployed else None

    async def until(self, moment: Callable[[], float | None]) -> float:
        """Wait until it was seen; when that was."""
        found = await eventually(lambda: asyncio.sleep(0, moment()), bool, "it was seen")
        assert found is not None
        return found


@asynccontextmanager
async def _watched(where: Stack) -> AsyncIterator[_Seen]:
    seen = _Seen()
    async with KubeApi.connect(str(where.cluster.kubeconfig)) as api:
        mirrors = [Mirror(api, PATH, seen.object_changed), Mirror(api, OURS.children, seen.child_changed)]
        tasks = [asyncio.create_task(mirror.run()) for mirror in mirrors]
        try:
            await asyncio.gather(*(mirror.synced.wait() for mirror in mirrors))
            yield seen
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


def guide_request() -> bytes:
    """The body of the guide's first request."""
    command = [sys.executable, str(_TRAIN), "--requests"]
    return subprocess.run(command, check=True, capture_output=True).stdout.splitlines()[0]
