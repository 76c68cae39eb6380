"""Startup, readiness and liveness probes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from localcluster.addresses import listen_address
from localcluster.kubeapi import UNREACHABLE, Object, in_words
from localcluster.node.containers.process import run_once

__all__ = ["ProbeFailedError", "Tally", "Target", "check", "verdicts"]


class ProbeFailedError(Exception):
    """One failed check, with the kubelet's words for it."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a probe looks at: a running container."""

    address: str
    ports: Mapping[str, int]
    env: Mapping[str, str]
    cwd: Path

    def port(self, port: int | str) -> int:
        """A port by number or name."""
        if isinstance(port, int):
            return port
        return self.ports[port] if port in self.ports else int(port)


class Tally:
    """Counts checks in a row; a verdict falls when a threshold is reached."""

    def __init__(self, probe: Object) -> None:
        self._needed = {True: probe.get("successThreshold", 1), False: probe.get("failureThreshold", 3)}
        self._last: bool | None = None
        self._count = 0

    def add(self, *, success: bool) -> bool | None:
        """Count one check: True or False where that many in a row agree, else None."""
        self._count = self._count + 1 if success == self._last else 1
        self._last = success
        return success if self._count >= self._needed[success] else None


async def verdicts(probe: Object, target: Target) -> AsyncIterator[tuple[bool, str]]:
    """Check each period, forever; yields (verdict, message of the last failure) each time a threshold is reached."""
    tally = Tally(probe)
    await asyncio.sleep(probe.get("initialDelaySeconds", 0))
    while True:
        message = await _message(probe, target)
        verdict = tally.add(success=not message)
        if verdict is not None:
            yield verdict, message
        await asyncio.sleep(probe.get("periodSeconds", 10))


async def _message(probe: Object, target: Target) -> str:
    try:
        async with asyncio.timeout(probe.get("timeoutSeconds", 1)):
            await check(probe, target)
    except ProbeFailedError as failure:
        return str(failure)
    except (*UNREACHABLE, ValueError) as error:
        return in_words(error)
    return ""


async def check(probe: Object, target: Target) -> None:
    """Check once. Raises ProbeFailedError, OSError, TimeoutError, aiohttp.ClientError."""
    if "httpGet" in probe:
        await _http(probe["httpGet"], target)
    elif "tcpSocket" in probe:
        where = probe["tcpSocket"]
        host = listen_address(where.get("host") or target.address)
        _, writer = await asyncio.open_connection(host, target.port(where["port"]))
        writer.close()
    elif "exec" in probe:
        await _exec(probe, target)
    else:
        raise ProbeFailedError("gRPC probes are not supported by the local cluster")


async def _http(get: Object, target: Target) -> None:
    host = listen_address(get.get("host") or target.address)
    url = f"{get.get('scheme', 'HTTP').lower()}://{host}:{target.port(get['port'])}/{get.get('path', '/').lstrip('/')}"
    headers = {"User-Agent": "kube-probe/localcluster"}
    headers |= {header["name"]: header["value"] for header in get.get("httpHeaders", ())}
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, headers=headers, ssl=False, allow_redirects=False) as answer,
    ):
        if not 200 <= answer.status < 400:
            raise ProbeFailedError(f"HTTP probe failed with statuscode: {answer.status}")


async def _exec(probe: Object, target: Target) -> None:
    seconds = probe.get("timeoutSeconds", 1)
    code, output = await run_once(probe["exec"]["command"], env=target.env, cwd=target.cwd, seconds=seconds)
    if code:
        raise ProbeFailedError(output or f"command exited with {code}")
