"""A server between the operator and a real neighbour: it passes everything on, keeps what it saw, and may interfere."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from localcluster.network import LOOPBACK, free_port

__all__ = ["Proxy", "proxied", "warning"]

_HOP = {"host", "content-length", "transfer-encoding", "connection", "content-encoding"}


@dataclass
class Proxy:
    """``seen``: the headers of each request. ``edit`` changes the body of each answer, if it is set.

    ``refuse``: nothing is passed on; each answer is MLflow's 403, which repeats the login that it refuses.
    """

    upstream: str
    url: str = field(default_factory=lambda: f"http://{LOOPBACK}:{free_port()}")
    seen: list[dict[str, str]] = field(default_factory=list)
    edit: Callable[[bytes], bytes] | None = None
    refuse: bool = False

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
            if proxy.refuse:
                message = f"not allowed: {request.headers.get('Authorization')}"
                return web.json_response({"error_code": "PERMISSION_DENIED", "message": message}, status=403)
            headers = {
                key: value
                for key, value in request.headers.items()
                if key.lower() not in {*_HOP, "accept-encoding", "authorization"}
            }
            body = await request.read()
            url = f"{upstream}{request.path_qs}"
            async with session.request(request.method, url, headers=headers, data=body) as got:
                answer = await got.read()
                kept = {key: value for key, value in got.headers.items() if key.lower() not in _HOP}
                return web.Response(status=got.status, headers=kept, body=proxy.edit(answer) if proxy.edit else answer)

        application = web.Application(client_max_size=2**24)
        application.router.add_route("*", "/{path:.*}", pass_on)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, LOOPBACK, int(proxy.url.rpartition(":")[2])).start()
            yield proxy
        finally:
            await runner.cleanup()


def warning(text: str) -> Callable[[bytes], bytes]:
    """An edit that marks Prometheus' answers as partial, as Thanos and Mimir do."""
    return lambda body: json.dumps({**json.loads(body), "warnings": [text]}).encode()
