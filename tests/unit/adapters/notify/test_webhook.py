"""One POST of a signed CloudEvent: what arrives, and what is said where it is not taken."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from rollmodel.adapters.notify.webhook import SIGNATURE, Webhooks
from rollmodel.errors import Invalid, RollmodelError, Unavailable
from rollmodel.plan.decision import Ref
from rollmodel.plan.notifications import cloud_event
from rollmodel.ports.webhooks import Webhook

from tests.support.servers.web import Web, serve

EVENT = cloud_event(
    "abc",
    "DriftDetected",
    about=Ref("rollmodel.dev/v1alpha1", "DriftPolicy", "team", "watch"),
    plural="driftpolicies",
    time="2026-01-01T00:00:00Z",
    data={},
)


@pytest.fixture
async def webhooks() -> AsyncIterator[Webhooks]:
    made = Webhooks(timeout=2.0)
    yield made
    made.close()


async def answering(status: int, **headers: str) -> web.StreamResponse:
    return web.Response(status=status, headers=headers)


async def taken(_: web.Request) -> web.StreamResponse:
    return await answering(204)


async def test_what_arrives_is_signed_and_says_who_may(webhooks: Webhooks) -> None:
    bodies: list[bytes] = []

    async def keep(request: web.Request) -> web.StreamResponse:
        bodies.append(await request.read())
        return await answering(200)

    async with serve(keep) as server:
        await webhooks.send(Webhook(f"{server.url}/hook", token="secret", key="key"), EVENT)
        (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/hook")
    assert request.headers["Content-Type"] == "application/cloudevents+json; charset=UTF-8"
    assert request.headers["Authorization"] == "Bearer secret"
    assert request.headers[SIGNATURE] == "sha256=" + hmac.new(b"key", bodies[0], hashlib.sha256).hexdigest()
    assert b'"type":"dev.rollmodel.driftpolicy.driftdetected"' in bodies[0]


async def test_without_token_and_key_nothing_is_sent_but_the_event(webhooks: Webhooks) -> None:
    async with serve(taken) as server:
        await webhooks.send(Webhook(server.url), EVENT)
        (request,) = server.requests
    assert not {SIGNATURE, "Authorization"} & set(request.headers)


@pytest.mark.parametrize(
    ("status", "error"), [(302, Invalid), (400, Invalid), (404, Invalid), (429, Unavailable), (503, Unavailable)]
)
async def test_what_is_not_taken_is_told_without_the_path(
    webhooks: Webhooks, status: int, error: type[RollmodelError]
) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return await answering(status, Location="/elsewhere")

    async with serve(answer) as server:
        with pytest.raises(error, match=rf"the webhook at 127\.0\.0\.1 answered {status}$"):
            await webhooks.send(Webhook(f"{server.url}/secret-path"), EVENT)
        assert server.paths == ["/secret-path"], "no redirect is followed"


async def test_a_receiver_that_hangs_is_left() -> None:
    leave = asyncio.Event()

    async def hang(_: web.Request) -> web.StreamResponse:
        await leave.wait()
        return await answering(200)

    server: Web
    impatient = Webhooks(timeout=0.2)
    async with serve(hang) as server:
        with pytest.raises(Unavailable, match=r"the webhook at 127\.0\.0\.1"):
            await impatient.send(Webhook(server.url), EVENT)
        leave.set()
    impatient.close()


async def test_nobody_there(webhooks: Webhooks) -> None:
    with pytest.raises(Unavailable, match=r"the webhook at 127\.0\.0\.1: cannot be reached"):
        await webhooks.send(Webhook("http://127.0.0.1:1/x"), EVENT)
