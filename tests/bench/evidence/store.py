"""Records on disk: one JSON file for each suite, so that suites can be run alone and the pages rendered again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from tests.bench.evidence.records import Record

__all__ = ["load", "save", "write"]


def save(directory: Path, name: str, records: list[Record]) -> None:
    """Replace the records of a suite."""
    directory.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(asdict(record)) for record in records]
    (directory / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write(directory: Path, name: str, figures: dict[str, float]) -> None:
    """Figures that are not records."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(json.dumps(figures), encoding="utf-8")


def load(directory: Path, names: list[str]) -> list[Record]:
    """The records of those suites that were run."""
    files = [path for name in names if (path := directory / f"{name}.jsonl").exists()]
    return [Record(**json.loads(line)) for path in files for line in path.read_text(encoding="utf-8").splitlines()]
