"""Runs months and keeps what came of them, a file for each ten, so that a long run may be interrupted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench.drift.evidently import changed_rows, quiet_rows
from tests.bench.drift.months import changed, quiet
from tests.bench.drift.storm import POLICIES, storm
from tests.bench.drift.worlds import CHANGES, WORLDS

__all__ = ["CELLS", "ELSEWHERE", "STEADY", "Cell", "kept", "run"]

Cell = Callable[[int], Any]
"""What came of the month with this seed."""

#: Worlds in which ours is to keep its budget, and changes that are tried in all of them.
STEADY = ("quiet", "each row 5 times", "season of the day", "season of the week")
ELSEWHERE = ("0.15 sd", "0.25 sd", "0.5 sd", "null flood")
_TOGETHER = 10
#: How many of the months are simulated of a cell, by the beginning of its name: alarms of ours are what is seldom.
_PARTS = {"quiet/slow noise": 0.25, "quiet/": 1.0, "change/": 0.375, "": 0.125}


def _storms(seed: int) -> Mapping[str, Any]:
    return {name: asdict(storm(policy, seed)) for name, policy in POLICIES.items()}


CELLS: Mapping[str, Cell] = {
    **{f"quiet/{world}": partial(quiet, world) for world in WORLDS},
    **{f"change/quiet/{change}": partial(changed, "quiet", change) for change in CHANGES},
    **{f"change/{world}/{change}": partial(changed, world, change) for world in STEADY[1:] for change in ELSEWHERE},
    **{f"rows/quiet/{world}": partial(quiet_rows, world) for world in WORLDS},
    **{f"rows/change/{change}": partial(changed_rows, change) for change in CHANGES},
    "storm": _storms,
}


def run(folder: Path, months: int) -> None:
    """Compute what is missing: what is quiet first, since alarms are seldom; then ten months of each cell in turn."""
    quiet_ones = [name for name in CELLS if name.startswith("quiet/")]
    for names in (quiet_ones, [name for name in CELLS if name not in quiet_ones]):
        for block in range(0, months, _TOGETHER):
            for name in names:
                seeds = range(block, min(block + _TOGETHER, _most(name, months)))
                path = folder / f"{name.replace(' ', '-')}-{block}.json"
                if seeds and not path.exists():
                    content = json.dumps([CELLS[name](seed) for seed in seeds])
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(content, encoding="utf-8")
            print(f"{min(block + _TOGETHER, months)} months", flush=True)


def _most(name: str, months: int) -> int:
    part = next(part for start, part in _PARTS.items() if name.startswith(start))
    return max(_TOGETHER, round(months * part))


def kept(folder: Path) -> Mapping[str, list[Any]]:
    """The months of each cell that were computed, in their order."""
    return {name: [*_months(folder, name)] for name in CELLS}


def _months(folder: Path, name: str) -> Iterator[Any]:
    block = 0
    while (path := folder / f"{name.replace(' ', '-')}-{block}.json").exists():
        yield from json.loads(path.read_text(encoding="utf-8"))
        block += _TOGETHER
