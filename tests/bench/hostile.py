"""One tenant does all that it can at once; another one's rollout is looked at at each tick.

    python -m tests.bench.hostile

Registries that hang, that send a byte a second, and whose folders have no end; trainings on them; rollouts whose
queries take as long as they may, or are answered with as many bytes as are read. As in ``tests.bench.hanging`` all is
real but the API server. The attacker's servers are a process of their own on the same machine.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter
from statistics import median

from tests.bench.attacker import Attacker, attacker
from tests.bench.hanging import Rig, Watched, in_rollout, passes, rigged, target
from tests.support.contracts.kube import model_deployment

__all__ = ["attacked", "main"]

_BEGUN = ("hanging", "trickle", "folders", "slow query", "huge answer")
_ROLLOUT = {
    "analysis": {"intervalSeconds": 2, "metrics": [{"name": "errors", "preset": "Errors"}]},
    "rollout": {"steps": [{"weight": 50}]},
}


async def attacked(
    each: int, *, ticks: int, interval: float, mebibytes: float = 24.0, patience: float = 10.0
) -> tuple[list[float], Counter[str]]:
    """Seconds from each tick of the innocent to the end of its pass, sorted; ``each``: objects of every attack."""
    async with attacker(mebibytes) as hostile, rigged(patience, hostile.prometheus) as (rig, alias):
        innocent = Watched(rig.deployments())
        for index in range(each):
            manifest = model_deployment("hostile", f"rollout-{index}")
            manifest["spec"] |= _ROLLOUT
            rig.drive(rig.deployments(), manifest)
        uid = await in_rollout(rig, innocent, alias)
        if each:
            _on_registries(rig, hostile, each)
            await _all_at_work(hostile)
        found = await passes(rig, innocent, uid, ticks=ticks, interval=interval)
        return found, await hostile.asked()


def _on_registries(rig: Rig, hostile: Attacker, each: int) -> None:
    for secret, server in (("silent", hostile.silent), ("slow", hostile.slow), ("folders", hostile.folders)):
        rig.kube.secrets["hostile", secret] = {"url": server}
        for index in range(each):
            rig.drive(rig.deployments(), target("pinned", f"pinned-{secret}-{index}", secret))
            rig.drive(rig.deployments(), target("alias", f"alias-{secret}-{index}", secret))
            rig.drive(rig.trainings(), target("training", f"training-{secret}-{index}", secret))


async def _all_at_work(hostile: Attacker) -> None:
    """Until each attack has begun."""
    until, asked = time.monotonic() + 120, Counter[str]()
    while not all(asked[name] for name in _BEGUN):
        if time.monotonic() > until:
            raise AssertionError(f"not all attacks have begun: {asked}")
        await asyncio.sleep(0.5)
        asked = await hostile.asked()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ticks", type=int, default=15)
    parser.add_argument("--interval", type=float, default=10.0, help="seconds between ticks")
    parser.add_argument("--each", type=int, nargs="+", default=[8], help="objects of every attack")
    arguments = parser.parse_args()
    print("| beside the innocent                          | median, ms | worst, ms |")
    for each in (0, *arguments.each):
        found, asked = asyncio.run(attacked(each, ticks=arguments.ticks, interval=arguments.interval))
        name = f"{each} of every attack" if each else "nobody"
        print(f"| {name:<44} | {1000 * median(found):7.0f} | {1000 * found[-1]:7.0f} |", flush=True)
        if each:
            print(f"asked of the attacker: {dict(asked)}")


if __name__ == "__main__":
    main()
