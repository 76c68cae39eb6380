"""``rollmodel get``: all that is trained and served, in one table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from rollmodel.adapters.kubernetes.kinds import Resource
from rollmodel.api.base import GROUP
from rollmodel.cli.common import cluster
from rollmodel.cli.common.printing.colours import colour
from rollmodel.cli.common.printing.console import show
from rollmodel.cli.common.printing.output import Output, add_output, printed
from rollmodel.cli.common.printing.rows import HEADINGS, row_of
from rollmodel.cli.common.targets import add_target, wanted
from rollmodel.errors import RollmodelError

__all__ = ["main", "table"]

_DESCRIPTION = (
    "List TrainingJobs, ModelDeployments and DriftPolicies: state, progress, gates and version, in one table."
)


def main(argv: Sequence[str]) -> int:
    """Run the command; 1 where the objects cannot be read."""
    arguments = _parser().parse_intermixed_args(argv)
    try:
        kinds, name = wanted(arguments, policies=True)
        objects = cluster.run(
            arguments.namespace, arguments.kubeconfig, lambda session: _objects(session, kinds, name, arguments)
        )
        single = name is not None and not arguments.all_namespaces
        _print(objects, arguments.output, single=single, namespaced=arguments.all_namespaces)
    except RollmodelError as error:
        print(f"rollmodel get: {error}", file=sys.stderr)
        return 1
    return 0


def _print(objects: Sequence[dict[str, Any]], output: Output, *, single: bool, namespaced: bool) -> None:
    """As kubectl does: the object or a List, names for further commands, or a table. Raises Invalid."""
    data = objects[0] if single else {"apiVersion": "v1", "kind": "List", "items": objects}
    if printed(data, output):
        return
    if output.form == "name":
        for item in objects:
            print(f"{item['kind'].lower()}.{GROUP}/{item['metadata']['name']}")
    elif objects:
        show(table(objects, datetime.now(UTC), namespaced=namespaced, wide=output.form == "wide"))
    else:
        print("nothing is trained or served here; -A looks in all namespaces", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rollmodel get", description=_DESCRIPTION)
    add_target(parser, policies=True)
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="objects of all namespaces")
    add_output(parser, "table", "wide", "name", meaning="wide: also what is being done; name: for further commands")
    return parser


async def _objects(
    session: cluster.Session, kinds: Sequence[Resource], name: str | None, arguments: argparse.Namespace
) -> list[dict[str, Any]]:
    if name is not None and not arguments.all_namespaces:
        return [(await session.find(kinds, name))[1]]
    selectors = {"fieldSelector": f"metadata.name={name}"} if name is not None else {}
    lists = [await session.list(kind, everywhere=arguments.all_namespaces, **selectors) for kind in kinds]
    return [item for items in lists for item in items]


def table(objects: Sequence[dict[str, Any]], now: datetime, *, namespaced: bool = False, wide: bool = False) -> Table:
    """The table, with a column for the namespace where there may be several. Raises Invalid.

    ``wide``: with the message of the condition that sums up.
    """
    rows = [(item["metadata"]["namespace"], row_of(item, now)) for item in objects]
    # A column that nobody fills would only push the others apart.
    used = [any(row.cells[place] for _, row in rows) for place in range(len(HEADINGS))]
    shown = Table(*(["NAMESPACE"] if namespaced else []), box=None, pad_edge=False, header_style="bold")
    for heading, use in zip(HEADINGS, used, strict=True):
        if use:
            shown.add_column(heading, no_wrap=heading in {"NAME", "STATE", "AGE"})
    if wide:
        shown.add_column("MESSAGE")
    for (namespace, row), item in zip(rows, objects, strict=True):
        cells = [
            Text(cell, style=colour(cell) if heading == "STATE" else "")
            for heading, cell, use in zip(HEADINGS, row.cells, used, strict=True)
            if use
        ]
        shown.add_row(*([Text(namespace)] if namespaced else []), *cells, *([_message(item)] if wide else []))
    return shown


def _message(manifest: Mapping[str, Any]) -> Text:
    """What Ready says, or Succeeded of a training."""
    conditions = (manifest.get("status") or {}).get("conditions") or ()
    found = (one.get("message", "") for one in conditions if one.get("type") in {"Ready", "Succeeded"})
    return Text(next(found, ""))
