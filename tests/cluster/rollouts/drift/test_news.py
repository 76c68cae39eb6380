"""A webhook that hangs and fails, on the real stack: nothing waits for it, and it gets each message in the end."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from typing import Any

import pytest
from aiohttp import web

from localcluster import Cluster
from tests.cluster.rollouts.conftest import Connection, Rollout
from tests.support.eventually import eventually
from tests.support.live.drift import (
    POLICY,
    begin_drift,
    make_template,
    policy_says,
    policy_status,
    serve_drifting,
    trainings,
    watched,
)
from tests.support.live.light_models import LightRegistry
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rollout import LiveRollout
from tests.support.servers.web import Web, serve

KEY = "canary-6b0d13-webhook"


class Receiver:
    """Answers as it is told, and keeps what it has taken."""

    def __init__(self) -> None:
        self.mode = "hangs"
        self.tries: list[tuple[str, str]] = []
        self.taken: list[dict[str, Any]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        said = request.headers["X-Rollmodel-Signature-256"]
        assert said == "sha256=" + hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()
        event = json.loads(body)
        self.tries.append((self.mode, event["id"]))
        if self.mode == "hangs":
            await asyncio.sleep(600)
        if self.mode == "fails":
            return web.Response(status=500)
        self.taken.append(event)
        return web.Response(status=204)


@pytest.mark.slow
async def test_a_receiver_that_fails_holds_nothing_up(
    stack: Cluster, operator: OperatorProcess, registry: LightRegistry, rollout: Rollout, connection: Connection
) -> None:
    one, receiver = rollout("churn"), Receiver()
    async with serve(receiver.answer) as server:
        await connection(url=f"{server.url}/hook", signingKey=KEY)
        await serve_drifting(one, registry)
        await make_template(one)
        async with watched(one, {**POLICY, "notify": {"webhookRef": {"name": "mlflow"}}}):
            await _story(stack, one, receiver, server)


async def _story(stack: Cluster, one: LiveRollout, receiver: Receiver, server: Web) -> None:
    await policy_says(one, {"Stable"})
    await begin_drift(stack.gateway_url, one)
    status = await policy_says(one, {"Drifted"})
    await eventually(lambda: trainings(one), bool, "the training is there, though the receiver hangs")
    await _tries(receiver, "hangs")
    looked = status["lastEvaluationTime"]
    wait = {"DriftDetected", "RetrainStarted"}  # beside what was told before there were series
    await eventually(
        lambda: policy_status(one),
        lambda status: status.get("lastEvaluationTime", "") > looked and wait <= _waiting(status),
        "it looks on, and its messages wait",
    )

    receiver.mode = "fails"
    await _tries(receiver, "fails")
    receiver.mode = "well"
    await eventually(lambda: policy_status(one), lambda status: not status.get("notifications"), "all were taken")
    kinds = [event["type"].rpartition(".")[2] for event in receiver.taken]
    assert {"driftdetected", "retrainstarted"} <= set(kinds)
    ids = [event["id"] for event in receiver.taken]
    assert {identity for _, identity in receiver.tries} == set(ids), "the same at each try"
    assert len(receiver.tries) < 40, "ever more rarely"


def _waiting(status: dict[str, Any]) -> set[str]:
    return {entry["reason"] for entry in status.get("notifications", ())}


async def _tries(receiver: Receiver, mode: str) -> None:
    async def tries() -> list[str]:
        return [identity for one, identity in receiver.tries if one == mode]

    await eventually(tries, bool, f"it was tried while it {mode}")
