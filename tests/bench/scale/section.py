"""A table of figures with the conditions under which they came about, as it is kept between runs."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

__all__ = ["Conditions", "Row", "Section", "conditions", "load", "percentiles", "save", "seconds"]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. ``met`` says whether it keeps the target, None where there is no target."""

    name: str
    value: str
    target: str = ""
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class Conditions:
    """Who measured what, where and when. ``loads``: the load average before and after."""

    command: str
    date: str
    commit: str
    machine: str
    loads: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Section:
    """The result of one part of the benchmark."""

    title: str
    rows: list[Row]
    conditions: Conditions


def conditions(load_before: float, module: str = "tests.bench.scale") -> Conditions:
    """Those of now; ``module`` is the program that measured."""
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=10"]
    words = " ".join([f"python -m {module}", *sys.argv[1:]])
    return Conditions(
        command=words,
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        commit=subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip(),
        machine=f"{os.cpu_count()} x {_processor()}, {platform.system()} {platform.release()},"
        f" Python {platform.python_version()}",
        loads=(load_before, os.getloadavg()[0]),
    )


def percentiles(seconds: Sequence[float]) -> str:
    """The median and the 99th percentile in milliseconds."""
    cuts = quantiles(seconds, n=100, method="inclusive")
    return f"{1000 * cuts[49]:,.0f} ms / {1000 * cuts[98]:,.0f} ms"


def seconds(values: Sequence[float]) -> str:
    """The median and the most in seconds."""
    return f"{median(values):.1f} s / {max(values):.1f} s"


def save(directory: Path, name: str, section: Section) -> None:
    """Keep the result of a run."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.json").write_text(json.dumps(asdict(section), indent=1), encoding="utf-8")


def load(directory: Path, names: Sequence[str]) -> list[Section]:
    """The latest result of each part that was ever run."""
    files = (directory / f"{name}.json" for name in names)
    return [_section(json.loads(file.read_text(encoding="utf-8"))) for file in files if file.exists()]


def _section(wire: dict[str, object]) -> Section:
    rows: list[Row] = [Row(**row) for row in wire["rows"]]  # type: ignore[attr-defined]
    return Section(str(wire["title"]), rows, Conditions(**wire["conditions"]))  # type: ignore[arg-type]


def _processor() -> str:
    """Its name as Linux gives it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
