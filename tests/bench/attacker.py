"""The servers of a hostile tenant, and the Prometheus that it shares with others: a process of their own.

    python -m tests.bench.attacker MEBIBYTES

It says their addresses in one line of JSON, counts at ``/asked`` what was asked, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from tests.support.servers.silent import Silent, hanging, trickling
from tests.support.servers.web import serve

__all__ = ["Attacker", "attacker"]

_SLOW_SECONDS = 9.0
_CHUNK = 2**18
_POINTS = ",".join(f'[{1_767_225_600 + 10 * tick},"{tick}"]' for tick in range(1000))
_HEAD, _TAIL = '{"status":"success","data":{"resultType":"matrix","result":[', "]}}"
_TRICKLE = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{"


@dataclass(frozen=True)
class Attacker:
    """Addresses of the running servers."""

    silent: str
    slow: str
    folders: str
    prometheus: str

    async def asked(self) -> Counter[str]:
        """How often each attack was asked for so far."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.prometheus}/asked") as answer:
            return Counter(await answer.json())


@asynccontextmanager
async def attacker(mebibytes: float) -> AsyncIterator[Attacker]:
    """Run the process while the context lasts; huge answers of Prometheus have so many MiB."""
    arguments = ("-m", "tests.bench.attacker", str(mebibytes))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Attacker(**json.loads(await process.stdout.readline()))
    finally:
        process.stdin.close()
        await process.wait()


@dataclass
class _Servers:
    large: bytes
    asked: Counter[str] = field(default_factory=Counter)
    silences: dict[str, Silent] = field(default_factory=dict)

    async def prometheus(self, request: web.Request) -> web.StreamResponse:
        """Empty answers; for the hostile namespace slow ones and huge ones in turn."""
        if request.path == "/asked":
            return web.json_response(self.asked | {name: one.requests for name, one in self.silences.items()})
        query = request.query.get("query") or str((await request.post()).get("query"))
        if 'namespace="hostile"' in query:
            self.asked["query"] += 1
            if self.asked["query"] % 4 == 0:
                self.asked["huge answer"] += 1
                return await self._huge(request)
            self.asked["slow query"] += 1
            await asyncio.sleep(_SLOW_SECONDS)
        return web.Response(text=_HEAD + _TAIL, content_type="application/json")

    async def _huge(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        with suppress(ConnectionError):  # whoever asked had enough of it
            for start in range(0, len(self.large), _CHUNK):
                await response.write(self.large[start : start + _CHUNK])
        return response

    async def folders(self, request: web.Request) -> web.Response:
        """An MLflow whose version has two folders in each folder, and no file."""
        self.asked["folders"] += 1
        if request.path.endswith("/get-download-uri"):
            return web.json_response({"artifact_uri": "mlflow-artifacts:/1/m/artifacts"})
        if "artifacts" in request.path:
            return web.json_response({"files": [{"path": name, "is_dir": True} for name in ("a", "b")]})
        found = {"name": request.query.get("name", ""), "version": "1", "source": "mlflow-artifacts:/1/m/artifacts"}
        return web.json_response({"model_version": {**found, "status": "READY", "tags": []}})


def _large(mebibytes: float) -> bytes:
    one = f'{{"metric":{{"pod":"p"}},"values":[{_POINTS}]}}'
    return (_HEAD + ",".join([one] * int(mebibytes * 2**20 / len(one))) + _TAIL).encode()


async def _serve(mebibytes: float) -> None:
    servers = _Servers(_large(mebibytes))
    async with (
        hanging() as silent,
        trickling(_TRICKLE, interval=1.0) as slow,
        serve(servers.folders) as folders,
        serve(servers.prometheus) as prometheus,
    ):
        servers.silences |= {"hanging": silent, "trickle": slow}
        urls = {"silent": silent.url, "slow": slow.url, "folders": folders.url, "prometheus": prometheus.url}
        sys.stdout.write(json.dumps(urls) + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
