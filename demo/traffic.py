"""Steady traffic through the gateway: open loop, bounded in rate, in flight and in time.

python -m demo.traffic http://127.0.0.1:8080 screening.example.com requests.jsonl --rate 40 --seconds 300
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

__all__ = ["Traffic", "sending"]

REQUEST_TIMEOUT_SECONDS = 10


@dataclass(slots=True)
class Traffic:
    """``rate`` requests a second to ``url``, cycling through ``bodies``; ``codes`` counts the answers by status.

    Open loop: a slow answer does not slow the next request down, as with real users. ``max_in_flight`` and
    ``max_seconds`` bound it; requests beyond the bound are counted as ``skipped`` and not sent.
    """

    url: str
    host: str
    bodies: Sequence[str]
    rate: float = 24.0
    max_in_flight: int = 200
    max_seconds: float = 1800.0
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent beside the host and the type of the content."""
    codes: Counter[str] = field(default_factory=Counter)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Send until cancelled or ``max_seconds`` are over."""
        loop = asyncio.get_running_loop()
        headers = {"Host": self.host, "Content-Type": "application/json", **self.headers}
        timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_SECONDS)
        begin = loop.time()
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            try:
                for number, body in enumerate(itertools.cycle(self.bodies)):
                    due = begin + number / self.rate
                    if due - begin > self.max_seconds:
                        break
                    await asyncio.sleep(max(0.0, due - loop.time()))
                    self._send(session, body)
            finally:
                await asyncio.gather(*self._tasks, return_exceptions=True)

    def _send(self, session: aiohttp.ClientSession, body: str) -> None:
        if len(self._tasks) >= self.max_in_flight:
            self.codes["skipped"] += 1
            return
        task = asyncio.create_task(self._post(session, body))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _post(self, session: aiohttp.ClientSession, body: str) -> None:
        try:
            async with session.post(f"{self.url}/invocations", data=body) as answer:
                await answer.read()
                self.codes[str(answer.status)] += 1
        except (aiohttp.ClientError, TimeoutError) as error:
            self.codes[type(error).__name__] += 1


@contextlib.asynccontextmanager
async def sending(url: str, host: str, bodies: Sequence[str], rate: float) -> AsyncIterator[Traffic]:
    """Traffic while the block lasts."""
    traffic = Traffic(url, host, bodies, rate=rate)
    task = asyncio.create_task(traffic.run())
    try:
        yield traffic
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def main() -> None:
    """Send the bodies of a file, one in each line, round and round; print the answers by status at the end."""
    parser = argparse.ArgumentParser(prog="python -m demo.traffic", description=main.__doc__)
    parser.add_argument("url", help="of the gateway")
    parser.add_argument("host", help="host name of the route")
    parser.add_argument("bodies", type=Path, help="a request body in each line")
    parser.add_argument("--rate", type=float, default=24.0, help="requests a second (default: %(default)g)")
    parser.add_argument("--seconds", type=float, default=300.0, help="how long (default: %(default)g)")
    given = parser.parse_args()
    bodies = given.bodies.read_text(encoding="utf-8").splitlines()
    traffic = Traffic(given.url, given.host, bodies, rate=given.rate, max_seconds=given.seconds)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(traffic.run())
    print(", ".join(f"{code}: {count}" for code, count in sorted(traffic.codes.items())) or "nothing was sent")


if __name__ == "__main__":
    main()
