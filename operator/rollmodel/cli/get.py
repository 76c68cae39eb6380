"""``rollmodel get``: all that is trained and served, in one table."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rollmodel.adapters.kubernetes.kinds import Resource
from rollmodel.cli.common import cluster
from rollmodel.cli.common.colours import colour
from rollmodel.cli.common.rows import HEADINGS, row_of
from rollmodel.cli.common.targets import add_target, wanted
from rollmodel.errors import RollmodelError

__all__ = ["main", "table"]

_DESCRIPTION = "List TrainingJobs and ModelDeployments: state, progress, gates and version, in one table."


def main(argv: Sequence[str]) -> int:
    """Run the command; 1 where the objects cannot be read."""
    arguments = _parser().parse_intermixed_args(argv)
    try:
        kinds, name = wanted(arguments)
        objects = cluster.run(
            arguments.namespace, arguments.kubeconfig, lambda session: _objects(session, kinds, name, arguments)
        )
        if arguments.output == "json":
            print(json.dumps(objects, indent=2))
        elif objects:
            Console().print(table(objects, datetime.now(UTC), namespaced=arguments.all_namespaces))
        else:
            print("nothing is trained or served here; -A looks in all namespaces", file=sys.stderr)
    except RollmodelError as error:
        print(f"rollmodel get: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rollmodel get", description=_DESCRIPTION)
    add_target(parser)
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="objects of all namespaces")
    parser.add_argument(
        "-o", "--output", choices=("table", "json"), default="table", help="json: the objects themselves"
    )
    return parser


async def _objects(
    session: cluster.Session, kinds: Sequence[Resource], name: str | None, arguments: argparse.Namespace
) -> list[dict[str, Any]]:
    if name is not None and not arguments.all_namespaces:
        return [(await session.find(kinds, name))[1]]
    selectors = {"fieldSelector": f"metadata.name={name}"} if name is not None else {}
    lists = [await session.list(kind, everywhere=arguments.all_namespaces, **selectors) for kind in kinds]
    return [item for items in lists for item in items]


def table(objects: Sequence[dict[str, Any]], now: datetime, *, namespaced: bool = False) -> Table:
    """The table, with a column for the namespace where there may be several. Raises Invalid."""
    rows = [(item["metadata"]["namespace"], row_of(item, now)) for item in objects]
    # A column that nobody fills would only push the others apart.
    used = [any(row.cells[place] for _, row in rows) for place in range(len(HEADINGS))]
    shown = Table(*(["NAMESPACE"] if namespaced else []), box=None, pad_edge=False, header_style="bold")
    for heading, use in zip(HEADINGS, used, strict=True):
        if use:
            shown.add_column(heading, no_wrap=heading in {"NAME", "STATE", "AGE"})
    for namespace, row in rows:
        cells = [
            Text(cell, style=colour(cell) if heading == "STATE" else "")
            for heading, cell, use in zip(HEADINGS, row.cells, used, strict=True)
            if use
        ]
        shown.add_row(*([Text(namespace)] if namespaced else []), *cells)
    return shown
