"""The kubelet's HTTPS endpoint, as far as ``kubectl logs`` needs it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from localcluster.network import LOOPBACK
from localcluster.node.pods.pod import PodWorker
from localcluster.node.pods.status import ContainerRecord

__all__ = ["log_number", "serve_logs", "tail_offset"]

_CHUNK_BYTES = 64 * 1024
_LOOK_AGAIN_SECONDS = 0.1

Find = Callable[[str, str], PodWorker | None]


@asynccontextmanager
async def serve_logs(find: Find, port: int, *, certificate: Path, key: Path, client_ca: Path) -> AsyncIterator[None]:
    """Serve ``/containerLogs/{namespace}/{pod}/{container}`` to clients whose certificate the CA has signed.

    Query: ``follow``, ``previous``, ``tailLines``, ``limitBytes``. Times of lines are not kept, so ``timestamps`` and
    ``sinceSeconds`` have no effect.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=client_ca)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(certificate, key)
    app = web.Application()
    app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", _Logs(find).serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, port, ssl_context=context).start()
        yield
    finally:
        await runner.cleanup()


def log_number(record: ContainerRecord, *, previous: bool) -> int | None:
    """Which run's log is meant; None where there was no such run.

    A container that waits for its next start shows the run before in both cases, as with the kubelet.
    """
    if "waiting" in record.state:
        return record.restart_count if record.last_state else None
    number = record.restart_count - (1 if previous else 0)
    return number if number >= 0 else None


def tail_offset(content: bytes, lines: int) -> int:
    """Where the last so many lines begin."""
    end = len(content) - (1 if content.endswith(b"\n") else 0)
    if lines <= 0:
        return len(content)
    for _ in range(lines):
        end = content.rfind(b"\n", 0, end)
        if end < 0:
            return 0
    return end + 1


class _Logs:
    def __init__(self, find: Find) -> None:
        self._find = find

    async def serve(self, request: web.Request) -> web.StreamResponse:
        namespace, pod, container = (request.match_info[key] for key in ("namespace", "pod", "container"))
        worker = self._find(namespace, pod)
        record = worker.record(container) if worker else None
        if worker is None or record is None:
            raise web.HTTPNotFound(text=f'container "{container}" of pod "{pod}" is not on this node')
        number = log_number(record, previous=request.query.get("previous") == "true")
        if number is None:
            reason = record.state.get("waiting", {}).get("reason", "no earlier run")
            raise web.HTTPBadRequest(text=f'container "{container}" in pod "{pod}" is waiting to start: {reason}')

        def growing() -> bool:
            return "running" in record.state and record.restart_count == number

        answer = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await answer.prepare(request)
        follow = request.query.get("follow") == "true"
        await _send(answer, worker.folder.log(container, number), request.query, growing if follow else lambda: False)
        return answer


async def _send(answer: web.StreamResponse, path: Path, query: Mapping[str, str], growing: Callable[[], bool]) -> None:
    """Send a log, and what is added to it for as long as it grows."""
    left = int(query.get("limitBytes", 1 << 62))
    with path.open("rb") as file:
        if "tailLines" in query:
            file.seek(tail_offset(file.read(), int(query["tailLines"])))
        while left > 0:
            alive = growing()
            chunk = file.read(min(_CHUNK_BYTES, left))
            left -= len(chunk)
            if chunk:
                await answer.write(chunk)
            elif not alive:
                return
            else:
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
