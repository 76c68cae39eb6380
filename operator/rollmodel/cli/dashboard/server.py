"""The pages over HTTP, for one person on this machine.

Who else is there? Other users of the machine (the token in the path), web sites in the same browser that send requests
to the loopback interface, also by a name that they let point there (the token, and the ``Host`` header), and texts of
objects that try to be HTML (escaped, and no script but ours runs). Cookies are not used: they do not know ports.
"""

from __future__ import annotations

import asyncio
import hmac
from contextlib import suppress
from datetime import UTC, datetime

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from rollmodel.cli.dashboard.judge_history import JudgeHistory
from rollmodel.cli.dashboard.live import Live
from rollmodel.cli.dashboard.overview import PLURALS
from rollmodel.cli.dashboard.pages import Pages, script, style

__all__ = ["HEADERS", "application", "is_loopback"]

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
#: At most so often is a page told that something has changed, and so often at least, since ages go on.
LEAST_SECONDS, MOST_SECONDS = 1.0, 10.0

_KINDS = {plural: kind for kind, plural in PLURALS.items()}


def application(live: Live, history: JudgeHistory, pages: Pages, token: str) -> web.Application:
    """The server. Everything is below ``/TOKEN/``; ``pages.base`` says so, too."""
    app = web.Application(middlewares=[_guard(token)])
    app.on_response_prepare.append(_add_headers)
    app.router.add_get("/{token}/", _overview(live, pages))
    app.router.add_get("/{token}/events", _events(live))
    app.router.add_get("/{token}/style.css", _text(style(), "text/css"))
    app.router.add_get("/{token}/page.js", _text(script(), "text/javascript"))
    app.router.add_get("/{token}/{plural}/{namespace}/{name}", _object(live, history, pages))
    return app


def is_loopback(host: str | None) -> bool:
    """Whether a ``Host`` header names this machine itself; any port: it may have come through a tunnel."""
    name = (host or "").rpartition(":")[0] if (host or "").rpartition(":")[2].isdecimal() else host or ""
    return name.lower() in {"127.0.0.1", "localhost", "[::1]"}


def _guard(token: str) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method not in {"GET", "HEAD"}:
            raise web.HTTPMethodNotAllowed(request.method, ["GET", "HEAD"])
        if not is_loopback(request.headers.get("Host")):
            raise web.HTTPForbidden(text="this page is for this machine: use the address that was printed\n")
        first = request.path.split("/")[1].encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(first, token.encode()):
            raise web.HTTPForbidden(text="the address needs the token that `rollmodel dashboard` printed\n")
        return await handler(request)

    return guard


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


def _overview(live: Live, pages: Pages) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return _html(pages.overview(live, datetime.now(UTC)))

    return answer


def _object(live: Live, history: JudgeHistory, pages: Pages) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        now, where = datetime.now(UTC), request.match_info
        kind = _KINDS.get(where["plural"])
        if kind is None:
            raise web.HTTPNotFound(text="there is no such page\n")
        key = (kind, where["namespace"], where["name"])
        manifest = live.objects.get(key)
        if manifest is None:
            return _html(pages.absent(*key, now), status=404)
        problem = await history.fill(manifest, now) if kind == "ModelDeployment" else ""
        return _html(pages.of_object(manifest, live, history.moments(manifest), now, problem=problem))

    return answer


def _events(live: Live) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        version = live.version
        with suppress(ConnectionResetError):  # the page was left
            while True:
                version = await live.changed(version, MOST_SECONDS)
                await response.write(f"data: {version}\n\n".encode())
                await asyncio.sleep(LEAST_SECONDS)
        return response

    return answer


def _text(text: str, content_type: str) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type=content_type)

    return answer


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, content_type="text/html", status=status)
