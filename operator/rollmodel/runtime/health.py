"""``/healthz``, ``/readyz`` and ``/metrics``, served from the loop that does the work.

If that loop is blocked, the probe gets no answer, and the kubelet restarts us: so its silence is a check, too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Protocol

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from rollmodel.runtime.metrics.scrapers import Scrapers
from rollmodel.runtime.watchdog import Watchdog

__all__ = ["Health", "Server", "Watched"]

#: Longer than the longest pause that a watch makes by itself, in seconds.
STILL_SECONDS = 300.0
#: Longer than two bookmarks are apart, in seconds.
SILENT_SECONDS = 150.0
#: Longer than any single pass may take, in seconds.
STUCK_SECONDS = 600.0


_REFUSALS = {
    401: "a bearer token that the API server knows is needed",
    403: "it needs the right to `get` the nonResourceURL /metrics",
    503: "who this is cannot be asked now",
}
_CHALLENGE = {401: {"WWW-Authenticate": "Bearer"}, 403: {}, 503: {"Retry-After": "10"}}


class Watched(Protocol):
    """What health knows of the watches."""

    @property
    def complete(self) -> bool:
        """Whether the cache has been filled."""
        ...

    def silence(self) -> float:
        """Seconds since the API server was last heard."""
        ...

    def stillness(self) -> float:
        """Seconds since the watches last did anything, if only to try and fail."""
        ...


class Elected(Protocol):
    """What health knows of the election."""

    @property
    def problem(self) -> str | None:
        """Why it is not known who leads, if so."""
        ...


class Health:
    """Judges whether the operator works. ``started`` becomes True when Kopf has begun.

    Where there is an ``election``, one that stands by is ready, too: it can take over, and upgrades wait for that.
    """

    def __init__(self, watches: Watched, watchdog: Watchdog, election: Elected | None = None) -> None:
        self._watches = watches
        self._watchdog = watchdog
        self._election = election
        self.started = False
        self.standby = False

    def live(self) -> list[str]:
        """What is wrong so that a restart may help; an API server that is down is no such thing."""
        problems = []
        if (stillness := self._watches.stillness()) > STILL_SECONDS:
            problems.append(f"the watches have done nothing for {stillness:.0f} s")
        if (stuck := self._watchdog.stuck()) > STUCK_SECONDS:
            problems.append(f"passes are due and none has ended for {stuck:.0f} s")
        return problems

    def ready(self) -> list[str]:
        """What is not there, yet or any more."""
        problems = self.live()
        if (silence := self._watches.silence()) > SILENT_SECONDS:
            problems.append(f"the API server has not been heard for {silence:.0f} s")
        if not self._watches.complete:
            problems.append("the children have not been listed yet")
        if self.standby and self._election is not None and self._election.problem is not None:
            problems.append(self._election.problem)
        if not self.started and not self.standby:
            problems.append("the watch of our own kinds has not begun")
        return problems


class Server:
    """Small HTTP servers for probes and for scrapes, on one address or on two.

    Without ``scrapers`` everybody may read the metrics; probes are always for everybody.
    """

    def __init__(self, health: Health, registry: CollectorRegistry, scrapers: Scrapers | None = None) -> None:
        self._pages: Mapping[str, Mapping[str, Callable[[web.Request], Awaitable[web.Response]]]] = {
            "health": {"/healthz": _probe(health.live), "/readyz": _probe(health.ready)},
            "metrics": {"/metrics": _scrape(registry, scrapers)},
        }
        self._runners: list[web.AppRunner] = []

    async def start(self, *, health: str, metrics: str) -> None:
        """Listen at these addresses (``host:port``)."""
        addresses: dict[str, web.Application] = {}
        for part, address in (("health", health), ("metrics", metrics)):
            app = addresses.setdefault(address, web.Application())
            for path, handler in self._pages[part].items():
                app.router.add_get(path, handler)
        for address, app in addresses.items():
            runner = web.AppRunner(app, access_log=None)
            self._runners.append(runner)
            await runner.setup()
            host, _, port = address.rpartition(":")
            await web.TCPSite(runner, host.strip("[]") or None, int(port)).start()

    async def stop(self) -> None:
        """Stop listening."""
        for runner in self._runners:
            await runner.cleanup()


def _probe(problems: Callable[[], list[str]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        found = problems()
        return web.Response(status=503 if found else 200, text="\n".join(found) or "ok")

    return answer


def _scrape(registry: CollectorRegistry, scrapers: Scrapers | None) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        if scrapers is not None:
            status = await scrapers.judge(request.headers.get("Authorization"), request.path)
            if status != HTTPStatus.OK:
                return web.Response(status=status, text=_REFUSALS[status], headers=_CHALLENGE[status])
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return answer
