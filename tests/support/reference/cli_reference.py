"""The parts of docs/reference/cli.md that follow from the code; run as a module it prints them.

The help of argparse looks a little different in each Python, so the page shows what the parsers know, not their help.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from unittest import mock

from rich.console import Console, RenderableType
from rollmodel.__main__ import COMMANDS as INNER
from rollmodel.__main__ import main
from rollmodel.cli import COMMANDS
from rollmodel.cli.get import table
from rollmodel.cli.training import tables as training
from rollmodel.cli.training.comparison import Tolerance, compare
from rollmodel.cli.training.verify import shown

from tests.support.simulation.trainings.statuses import GATES, SPEC, running, status

__all__ = ["COMMANDS_SHOWN", "examples", "section"]

NOW = datetime(2026, 1, 1, 0, 20, tzinfo=UTC)
COMMANDS_SHOWN = {**COMMANDS, **INNER}
_WIDTH = 118


class _Found(Exception):
    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser


def section(name: str) -> str:
    """Heading, purpose and arguments of a command, as Markdown."""
    parser = _parser(name)
    told = [action for action in parser._actions if action.dest != "help" and action.help != argparse.SUPPRESS]
    rows = [f"| {_term(action)} | {_meaning(action)} |" for action in told]
    lines = ["| argument | meaning |", "|---|---|", *rows] if rows else []
    purpose = " ".join((parser.description or "").split()).replace("``", "`")
    return "\n".join([f"## {parser.prog}", "", purpose, "", *lines]).strip()


def _parser(name: str) -> argparse.ArgumentParser:
    def found(self: argparse.ArgumentParser, *_: object) -> None:
        raise _Found(self)

    with mock.patch.object(argparse.ArgumentParser, "print_help", found):
        try:
            main([name, "--help"])
        except _Found as one:
            return one.parser
    raise AssertionError(name)


def _term(action: argparse.Action) -> str:
    value = action.metavar or (action.dest.upper() if action.option_strings else action.dest)
    if not action.option_strings:
        return f"`{value}`" + (" (optional)" if action.nargs in {"?", "*"} else "")
    names = ", ".join(f"`{option}`" for option in action.option_strings)
    return names if action.nargs == 0 else f"{names} `{value}`"


def _meaning(action: argparse.Action) -> str:
    choices = f" ({', '.join(map(str, action.choices))})" if action.choices else ""
    return f"{action.help or ''}{choices}".strip()


def examples() -> Iterator[str]:
    """What commands print about the TrainingJobs of ``simulation.trainings.statuses``, as blocks of the page."""
    ended = _job("churn", status("False", "GatesFailed", "1 of 2 gates does not hold", gates=list(GATES)))
    good = _job("churn-2", status("True", "Registered", modelVersion="4", gates=[GATES[0]]))
    going = _job("churn-3", running(queue={"position": 2, "reason": "QuotaExhausted"}))
    yield _block("rollmodel get", table([ended, good, going], NOW))
    yield _block("rollmodel describe tjob churn", *training.described(ended, NOW, "http://mlflow.example.com"))
    digests = {"MLmodel": "a" * 64, "model.skops": "b" * 64}, {"MLmodel": "c" * 64, "model.skops": "b" * 64}
    metrics = {"f1": 0.83, "loss": 0.3215}, {"f1": 0.83, "loss": 0.3221}
    compared = compare((f"sha256:{'cd' * 32}",) * 2, metrics, digests, Tolerance(0.001), identical=True)
    yield _block("rollmodel verify-training churn-2 --tolerance 0.001 --require-identical-artifacts", *shown(compared))


def _job(name: str, state: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "prod", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"kind": "TrainingJob", "metadata": metadata, "spec": dict(SPEC), "status": state}


def _block(command: str, *parts: RenderableType) -> str:
    console = Console(width=_WIDTH, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    lines = [line.rstrip() for line in captured.get().splitlines()]
    return "\n".join(["```console", f"$ {command}", *lines, "```"])


if __name__ == "__main__":
    print("\n\n".join([*map(section, COMMANDS_SHOWN), *examples()]))
