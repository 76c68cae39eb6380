"""The benchmark of the operator itself: what it costs at rest, and how fast it acts.

``python -m tests.bench.scale --quick`` takes a few minutes; without ``--quick`` it makes the published figures: 1,000
objects, and a look at rest that is longer than the interval of the resync. A busy machine makes everything slower, but
not the counts of requests, the memory, or the CPU seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from tests.bench.scale import page, rows, section
from tests.bench.scale.measurements import cold_start, first_answer, rest, rollback, training, writes
from tests.bench.scale.rig.kwok import simulated_node
from tests.bench.scale.rig.stack import stack

__all__ = ["main"]

_RESYNC_AND_MORE = 1000.0
_QUICK_OBJECTS = 50
_RAISED_QPS = 100
"""Requests a second of a controller in the control plane of a larger cluster; Kubernetes ships 20."""


def _rest(arguments: argparse.Namespace, directory: Path) -> tuple[str, list[section.Row]]:
    objects = _QUICK_OBJECTS if arguments.quick else arguments.objects
    idle, at_once = (60.0, 20) if arguments.quick else (_RESYNC_AND_MORE, 100)
    with stack(directory, "mlflow", python=arguments.python) as where, simulated_node(where.cluster):
        run = asyncio.run(rest.measure(where, objects, idle_seconds=idle, at_once=at_once))
    return f"{objects:,} objects that follow {rest.MODELS} models", rows.rest_rows(run)


def _first(arguments: argparse.Namespace, directory: Path) -> tuple[str, list[section.Row]]:
    trainings, answers, moves = (1, 2, 3) if arguments.quick else (3, 10, 20)
    with stack(directory, "mlflow", "node", "gateway", "prometheus") as where:
        run = asyncio.run(first_answer.measure(where, trainings, answers, moves))
    return "The first answer, and a moved alias", rows.first_rows(run)


def _cold(arguments: argparse.Namespace, directory: Path) -> tuple[str, list[section.Row]]:
    with stack(directory, "mlflow", "node", "gateway", "prometheus") as where:
        run = asyncio.run(cold_start.measure(where, 3 if arguments.quick else 25))
    return "Cold start of a model at zero", rows.cold_rows(run)


def _rollback(arguments: argparse.Namespace, directory: Path) -> tuple[str, list[section.Row]]:
    with stack(directory, "mlflow", "node", "gateway", "prometheus") as where:
        run = asyncio.run(rollback.measure(where, 3 if arguments.quick else 50))
    return "Rollbacks under traffic", rows.rollback_rows(run)


def _training(arguments: argparse.Namespace, directory: Path) -> tuple[str, list[section.Row]]:
    alone, some, many = (2, 5, 10) if arguments.quick else (5, 20, 100)
    with stack(directory / "default", "mlflow", python=arguments.python) as where, simulated_node(where.cluster):
        run = asyncio.run(training.measure(where, alone, some, many))
    raised = stack(directory / "raised", "mlflow", python=arguments.python, controller_qps=_RAISED_QPS)
    with raised as where, simulated_node(where.cluster):
        crowd = asyncio.run(training.measure_crowd(where, many))
    return "Training runs", [*rows.training_rows(run), *rows.crowd_rows(crowd, _RAISED_QPS)]


def _writes(arguments: argparse.Namespace, directory: Path) -> tuple[str, list[section.Row]]:
    del arguments, directory
    runs = {one: (writes.measure(one, bad=0.05), writes.measure(one, bad=0.3)) for one in writes.POLICIES}
    return "API writes of a whole rollout", rows.write_rows(runs)


_PARTS: dict[str, Callable[[argparse.Namespace, Path], tuple[str, list[section.Row]]]] = {
    "cold": _cold,
    "first": _first,
    "rest": _rest,
    "rollback": _rollback,
    "training": _training,
    "writes": _writes,
}


def main() -> int:
    """Run the parts that were asked for, show them, then write the page."""
    arguments = _arguments()
    console = Console()
    results = arguments.results / ("quick" if arguments.quick else "full")
    for name in arguments.only:
        load = os.getloadavg()[0]
        with tempfile.TemporaryDirectory(prefix="rollmodel-scale-") as directory:
            title, figures = _PARTS[name](arguments, Path(directory))
        made = section.Section(title, figures, section.conditions(load))
        section.save(results, name, made)
        page.show(console, made)
    if not arguments.quick:
        console.print(f"wrote {page.write(arguments.docs, section.load(results, list(_PARTS)))}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    parser.add_argument("--objects", type=int, default=1000, help="how many (default 1000)")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="50 objects, 3 rollbacks, 3 cold starts, 10 runs, 2 first answers; does not write the page",
    )
    parser.add_argument(
        "--python",
        type=Path,
        help="interpreter of the operator in `rest` and `training`, of an environment with requirements/operator.txt",
    )
    parser.add_argument("--only", nargs="*", choices=list(_PARTS), default=list(_PARTS), help="parts to run")
    parser.add_argument("--results", type=Path, default=Path("build/scale"), help="where results are kept")
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where the page goes")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
