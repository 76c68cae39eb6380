"""A server between the operator and a real neighbour: it passes everything on, keeps what it saw, and may interfere."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp
from aiohttp import web

from localcluster.network import LOOPBACK, free_port

__all__ = ["Proxy", "moved_to", "proxied", "refusal", "shifted", "warned"]

_HOP = {"host", "content-length", "transfer-encoding", "connection", "content-encoding"}


@dataclass
class Proxy:
    """``seen``: the headers of each request. ``instead`` may answer a request, which then is not passed on.

    ``ask`` may change the path and query of a request, ``edit`` the body of an answer on its way back.
    """

    upstream: str
    url: str = field(default_factory=lambda: f"http://{LOOPBACK}:{free_port()}")
    seen: list[dict[str, str]] = field(default_factory=list)
    instead: Callable[[web.Request], web.Response | None] = lambda _: None
    ask: Callable[[str], str] = lambda path: path
    edit: Callable[[web.Request, bytes], bytes] = lambda _, body: body

    def logins(self) -> set[str | None]:
        """All that was ever said in an Authorization header; None for requests without one."""
        return {headers.get("Authorization") for headers in self.seen}


@asynccontextmanager
async def proxied(upstream: str) -> AsyncIterator[Proxy]:
    """A proxy that runs while the block does."""
    proxy = Proxy(upstream)
    async with aiohttp.ClientSession() as session:

        async def pass_on(request: web.Request) -> web.Response:
            proxy.seen.append(dict(request.headers))
            if (answer := proxy.instead(request)) is not None:
                return answer
            headers = {
                key: value
                for key, value in request.headers.items()
                if key.lower() not in {*_HOP, "accept-encoding", "authorization"}
            }
            body = await request.read()
            url = f"{upstream}{proxy.ask(request.path_qs)}"
            async with session.request(request.method, url, headers=headers, data=body) as got:
                kept = {key: value for key, value in got.headers.items() if key.lower() not in _HOP}
                return web.Response(status=got.status, headers=kept, body=proxy.edit(request, await got.read()))

        application = web.Application(client_max_size=2**24)
        application.router.add_route("*", "/{path:.*}", pass_on)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, LOOPBACK, int(proxy.url.rpartition(":")[2])).start()
            yield proxy
        finally:
            await runner.cleanup()


def shifted(proxy: Proxy, seconds: float) -> None:
    """Prometheus behind this proxy has a clock that is ahead by so many seconds, or behind by negative ones."""

    def ask(path: str) -> str:
        parts = urlsplit(path)
        query = [
            (name, str(float(value) - seconds) if name in {"start", "end"} else value)
            for name, value in parse_qsl(parts.query)
        ]
        return parts._replace(query=urlencode(query)).geturl()

    def edit(request: web.Request, body: bytes) -> bytes:
        answer = json.loads(body)
        for series in answer.get("data", {}).get("result", ()) if request.path.endswith("/query_range") else ():
            series["values"] = [[moment + seconds, value] for moment, value in series["values"]]
        return json.dumps(answer).encode()

    proxy.ask, proxy.edit = ask, edit


def warned(body: bytes, text: str) -> bytes:
    """Prometheus' answer, marked as partial, as Thanos and Mimir do."""
    return json.dumps({**json.loads(body), "warnings": [text]}).encode()


def refusal(request: web.Request) -> web.Response:
    """MLflow's 403, which repeats the login that it refuses."""
    message = f"not allowed: {request.headers.get('Authorization')}"
    return web.json_response({"error_code": "PERMISSION_DENIED", "message": message}, status=403)


def moved_to(url: str) -> Callable[[web.Request], web.Response]:
    """Everything is at another address now (RFC 9110, section 15.4.8)."""
    return lambda request: web.Response(status=307, headers={"Location": f"{url}{request.path_qs}"})
