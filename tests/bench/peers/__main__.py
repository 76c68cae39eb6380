"""What an object costs us, and what one costs a neighbour of ours, measured side by side.

``python -m tests.bench.peers --objects 200`` starts one API server with a simulated node, lets one controller after the
other bring up so many objects with one pod each, and prints a table as Markdown; with ``--out docs`` it writes the page
``benchmarks-peers.md``, too. It takes ten minutes, and a quarter of an hour more when the binaries are built for the
first time. Nothing else should run meanwhile. ``--profile`` and ``--memory`` say where our CPU and memory go; being
watched costs, so its figures are no measure then.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

from tests.bench.peers.argo import argo_rollouts
from tests.bench.peers.floor import bare_loop
from tests.bench.peers.measure import Figures, measure, measure_burst
from tests.bench.peers.ours import registered, rollmodel
from tests.bench.peers.table import markdown
from tests.bench.scale.rig.kwok import simulated_node
from tests.bench.scale.rig.profiling import Profile
from tests.bench.scale.rig.stack import Stack, stack
from tests.bench.scale.section import conditions

__all__ = ["main"]

_PAGE = "benchmarks-peers.md"
_HEAD = Path(__file__).with_name("page.md")


async def _measured(where: Stack, arguments: argparse.Namespace) -> tuple[list[Figures], dict[str, list[float]]]:
    """Of each tool, and by name the bursts of loops that do little more than create children."""
    profile, found, follow = Profile(arguments.profile, arguments.memory), [], await registered(where)
    loops = [bare_loop(where.cluster, follow, status_first=first) for first in (False, True)]
    floor = {loop.name: await measure_burst(where.cluster, loop, arguments.at_once) for loop in loops}
    for name in arguments.only:
        tool = rollmodel(where, follow, profile) if name == "rollmodel" else argo_rollouts(where)
        found.append(await measure(where.cluster, tool, arguments.objects, arguments.at_once))
    return found, floor


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.peers", description=__doc__)
    parser.add_argument("--objects", type=int, default=200, help="how many (default 200)")
    parser.add_argument("--at-once", type=int, default=100, help="how many in the burst (default 100)")
    tools = ["rollmodel", "argo"]
    parser.add_argument("--only", nargs="*", choices=tools, default=tools, help="tools, in this order")
    parser.add_argument("--profile", type=Path, metavar="FILE", help="write where our CPU goes (python -m pstats FILE)")
    parser.add_argument(
        "--memory", type=Path, metavar="FILE", help="write where our memory is (a tracemalloc snapshot)"
    )
    parser.add_argument(
        "--python", type=Path, help="interpreter for our operator, of an environment with requirements/operator.txt"
    )
    parser.add_argument("--out", type=Path, help=f"write {_PAGE} into this folder, too")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    with (
        tempfile.TemporaryDirectory(prefix="rollmodel-peers-") as directory,
        stack(Path(directory), "mlflow", python=arguments.python) as where,
        simulated_node(where.cluster),
    ):
        figures, floor = asyncio.run(_measured(where, arguments))
    text = markdown(figures, floor, conditions(load, "tests.bench.peers"))
    print(text)
    if arguments.out is not None:
        head = _HEAD.read_text(encoding="utf-8")
        (arguments.out / _PAGE).write_text(f"{head}\n{text}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
