"""How large a run of the benchmark is, its random numbers, and how it shows that it is alive."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from zlib import crc32

import numpy as np

__all__ = ["FULL", "QUICK", "Size", "generator", "shown"]

SEED = 20260825
Cell = TypeVar("Cell")


@dataclass(frozen=True, slots=True)
class Size:
    """Runs per cell: ours, the cheap rivals', Kayenta's; every how many-th cell of a suite and of B1's grid is run."""

    runs: int
    rival_runs: int
    kayenta_runs: int
    every: int = 1
    grid_every: int = 1


FULL = Size(runs=1000, rival_runs=400, kayenta_runs=100)
QUICK = Size(runs=300, rival_runs=100, kayenta_runs=20, grid_every=5)


def generator(*key: Any) -> np.random.Generator:
    """Random numbers of one cell: they depend on its name only, so cells can be run alone and in any order."""
    return np.random.default_rng([SEED, crc32(repr(key).encode())])


def shown(name: str, cells: Sequence[Cell], size: Size) -> Iterator[Cell]:
    """The cells of a grid that this size asks for, with progress on standard error."""
    chosen = cells[:: size.every]
    began = time.monotonic()
    for done, cell in enumerate(chosen):
        spent = time.monotonic() - began
        left = f", about {spent / done * (len(chosen) - done):.0f} s left" if done else ""
        print(f"{name}: {done}/{len(chosen)}{left}  {cell}"[:150], file=sys.stderr, flush=True)
        yield cell
    print(f"{name}: done in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
