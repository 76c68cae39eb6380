"""Who gets a page, and who does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aiohttp
import pytest
from rollmodel.cli.dashboard.command import serving
from rollmodel.cli.dashboard.judge_history import JudgeHistory
from rollmodel.cli.dashboard.live import Live
from rollmodel.cli.dashboard.server import HEADERS, is_loopback
from rollmodel.errors import Invalid

from tests.support.simulation.fleet import put


@pytest.fixture
async def address(everything: tuple[Live, JudgeHistory]) -> AsyncIterator[str]:
    async with serving(*everything, None) as url:
        yield url


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def status(client: aiohttp.ClientSession, url: str, method: str = "GET", **headers: str) -> int:
    async with client.request(method, url, headers=headers) as answer:
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
        return answer.status


async def test_it_listens_on_the_loopback_interface(address: str) -> None:
    assert urlsplit(address).hostname == "127.0.0.1"
    assert len(urlsplit(address).path) > 30


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", 200),
        ("style.css", 200),
        ("page.js", 200),
        ("models/prod/churn", 200),
        ("trainings/prod/churn-next", 200),
        ("policies/prod/churn", 200),
        ("models/prod/nobody", 404),
        ("secrets/prod/churn", 404),
        ("nothing", 404),
    ],
)
async def test_pages(path: str, expected: int, address: str, client: aiohttp.ClientSession) -> None:
    assert await status(client, address + path) == expected


@pytest.mark.parametrize("token", ["", "wrong", "%00", "%ff%fe"])
async def test_without_the_token_there_is_nothing(token: str, address: str, client: aiohttp.ClientSession) -> None:
    parts = urlsplit(address)
    root = f"{parts.scheme}://{parts.netloc}/"
    for path in ("", "/", "/models/prod/churn", "/events", "/style.css"):
        assert await status(client, f"{root}{token}{path}") == 403
    longer = address.rstrip("/") + "x/"
    assert await status(client, longer) == 403
    assert await status(client, address.rstrip("/")[:-1] + "/") == 403


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:1", True),
        ("localhost", True),
        ("LOCALHOST:8080", True),
        ("[::1]:80", True),
        ("evil.example.com", False),
        ("127.0.0.1.evil.example.com:80", False),
        ("localhost.evil.example.com", False),
        ("evil.example.com:127", False),
        ("10.0.0.7:80", False),
        ("", False),
        (None, False),
    ],
)
def test_names_of_this_machine(host: str | None, expected: bool) -> None:
    assert is_loopback(host) is expected


async def test_a_name_that_somebody_let_point_here(address: str, client: aiohttp.ClientSession) -> None:
    assert await status(client, address, Host="evil.example.com") == 403
    assert await status(client, address, Host="localhost:4711") == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_nothing_can_be_written(method: str, address: str, client: aiohttp.ClientSession) -> None:
    assert await status(client, address, method) == 405


async def test_a_change_is_told_at_once(everything: tuple[Live, JudgeHistory], client: aiohttp.ClientSession) -> None:
    live = Live(everything[0]._server, None)
    async with serving(live, everything[1], None) as address, client.get(address + "events") as stream:
        await asyncio.sleep(0)
        put(live, dict(next(iter(everything[0].objects.values()))))
        async with asyncio.timeout(5):
            assert await stream.content.readline() == b"data: 1\n"


async def test_a_port_that_is_taken(everything: tuple[Live, JudgeHistory], address: str) -> None:
    with pytest.raises(Invalid, match="cannot listen on port"):
        async with serving(*everything, None, port=int(urlsplit(address).port or 0)):
            pass
