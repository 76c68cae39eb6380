"""One tenant does all that it can at once; another one's rollout is looked at at each tick.

    python -m tests.bench.hostile

Registries that hang, that send a byte a second, and whose folders have no end; trainings on them; rollouts whose
queries take as long as they may, or are answered with as many bytes as are read. As in ``tests.bench.hanging`` all is
real but the API server, so the servers of the attacker take their part of the same processor.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from aiohttp import web

from tests.bench.hanging import Watched, in_rollout, passes, rigged, target
from tests.support.contracts.kube import model_deployment
from tests.support.servers.silent import hanging, trickling
from tests.support.servers.web import serve

__all__ = ["Attacks", "attacked", "main"]

_SLOW_SECONDS = 9.0
_POINTS = ",".join(f'[{1_767_225_600 + 10 * tick},"{tick}"]' for tick in range(1000))
_HEAD, _TAIL = '{"status":"success","data":{"resultType":"matrix","result":[', "]}}"


@dataclass
class Attacks:
    """What was asked of the attacker's servers, by attack."""

    asked: Counter[str] = field(default_factory=Counter)
    large: bytes = b""

    async def prometheus(self, request: web.Request) -> web.Response:
        """Empty answers; for the hostile namespace slow ones and huge ones in turn."""
        query = request.query.get("query") or str((await request.post()).get("query"))
        if 'namespace="hostile"' in query:
            self.asked["query"] += 1
            if self.asked["query"] % 4:
                self.asked["slow query"] += 1
                await asyncio.sleep(_SLOW_SECONDS)
            else:
                self.asked["huge answer"] += 1
                return web.Response(body=self.large, content_type="application/json")
        return web.Response(text=_HEAD + _TAIL, content_type="application/json")

    async def folders(self, request: web.Request) -> web.Response:
        """An MLflow whose version has two folders in each folder, and no file."""
        self.asked["folders"] += 1
        if request.path.endswith("/get-download-uri"):
            return web.json_response({"artifact_uri": "mlflow-artifacts:/1/m/artifacts"})
        if "artifacts" in request.path:
            return web.json_response({"files": [{"path": name, "is_dir": True} for name in ("a", "b")]})
        found = {"name": request.query.get("name", ""), "version": "1", "source": "mlflow-artifacts:/1/m/artifacts"}
        return web.json_response({"model_version": {**found, "status": "READY", "tags": []}})


def _large(megabytes: float) -> bytes:
    one = f'{{"metric":{{"pod":"p"}},"values":[{_POINTS}]}}'
    return (_HEAD + ",".join([one] * int(megabytes * 2**20 / len(one))) + _TAIL).encode()


async def attacked(
    each: int, *, ticks: int, interval: float, megabytes: float = 24.0, patience: float = 10.0
) -> tuple[list[float], Attacks]:
    """Seconds from each tick of the innocent to the end of its pass, sorted; ``each``: objects of every attack."""
    attacks = Attacks(large=_large(megabytes) if each else b"")
    trickle = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{"
    async with (
        hanging() as silent,
        trickling(trickle, interval=1.0) as slow,
        serve(attacks.folders) as folders,
        rigged(patience, attacks.prometheus) as (rig, alias),
    ):
        innocent = Watched(rig.deployments())
        theirs = rig.deployments()
        for index in range(each):
            manifest = model_deployment("hostile", f"rollout-{index}")
            manifest["spec"] |= {
                "analysis": {"intervalSeconds": 2, "metrics": [{"name": "errors", "preset": "Errors"}]},
                "rollout": {"steps": [{"weight": 50}]},
            }
            rig.drive(theirs, manifest)
        uid = await in_rollout(rig, innocent, alias)
        for secret, server in (("silent", silent.url), ("slow", slow.url), ("folders", folders.url)):
            rig.kube.secrets["hostile", secret] = {"url": server}
            for index in range(each):
                rig.drive(theirs, target("pinned", f"pinned-{secret}-{index}", secret))
                rig.drive(theirs, target("alias", f"alias-{secret}-{index}", secret))
                rig.drive(rig.trainings(), target("training", f"training-{secret}-{index}", secret))
        await _all_at_work(attacks, lambda: bool(not each or (silent.requests and slow.requests)), each)
        found = await passes(rig, innocent, uid, ticks=ticks, interval=interval)
        attacks.asked["hanging"], attacks.asked["trickle"] = silent.requests, slow.requests
        return found, attacks


async def _all_at_work(attacks: Attacks, others: Callable[[], bool], each: int) -> None:
    """Until each attack has begun."""
    until = time.monotonic() + 120
    while each and not (others() and attacks.asked["folders"] and attacks.asked["slow query"]):
        if time.monotonic() > until:
            raise AssertionError(f"not all attacks have begun: {attacks.asked}")
        await asyncio.sleep(0.1)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ticks", type=int, default=15)
    parser.add_argument("--interval", type=float, default=10.0, help="seconds between ticks")
    parser.add_argument("--each", type=int, default=8, help="objects of every attack")
    arguments = parser.parse_args()
    print("| beside the innocent                          | median, ms | worst, ms |")
    for each in (0, arguments.each):
        found, attacks = asyncio.run(attacked(each, ticks=arguments.ticks, interval=arguments.interval))
        name = f"{each} of every attack" if each else "nobody"
        print(f"| {name:<44} | {1000 * median(found):7.0f} | {1000 * found[-1]:7.0f} |", flush=True)
        if each:
            print(f"asked of the attacker: {dict(attacks.asked)}")


if __name__ == "__main__":
    main()
