"""A small HTTP server on the loopback interface that answers as a test says."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

__all__ = ["Handler", "Web", "serve"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Web:
    """A running server. ``answer`` may be changed at any time; ``requests`` are those that came so far."""

    answer: Handler
    url: str = ""
    requests: list[web.Request] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Record, and answer."""
        self.requests.append(request)
        await request.read()
        return await self.answer(request)

    @property
    def paths(self) -> list[str]:
        """What was asked for, without queries."""
        return [request.path for request in self.requests]


@asynccontextmanager
async def serve(answer: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[Web]:
    """Run a server while the context lasts; over TLS with a context for it."""
    server = Web(answer)
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    server.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()
