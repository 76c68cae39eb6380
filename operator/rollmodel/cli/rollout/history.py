"""``rollmodel history``: what was decided, when, why and by whom: of one model, or of all, in the order of time."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.table import Table
from rich.text import Text

from rollmodel.api.modeldeployment import HistoryEntry, ModelDeploymentStatus
from rollmodel.cli.common import cluster
from rollmodel.cli.common.cluster import MODEL_DEPLOYMENT
from rollmodel.cli.common.printing.colours import colour
from rollmodel.cli.common.printing.console import show
from rollmodel.cli.common.printing.output import add_output, printed
from rollmodel.cli.common.printing.rows import status_of
from rollmodel.cli.rollout.terminal import moved
from rollmodel.errors import RollmodelError

__all__ = ["Decision", "decisions", "main", "period", "table"]

_DESCRIPTION = (
    "Show what was decided about versions: when, why, on which evidence and by whom, the newest last. Without a NAME "
    "of all models of the namespace."
)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Decision:
    """One entry of the history of a ModelDeployment."""

    namespace: str
    name: str
    entry: HistoryEntry


def main(argv: Sequence[str]) -> int:
    """Run the command; 1 where objects cannot be read."""
    arguments = _parser().parse_args(argv)
    try:
        objects = cluster.run(arguments.namespace, arguments.kubeconfig, lambda session: _objects(session, arguments))
        since = datetime.now(UTC) - arguments.since if arguments.since is not None else None
        found = decisions(objects, since)
    except RollmodelError as error:
        print(f"rollmodel history: {error}", file=sys.stderr)
        return 1
    if printed([_plain(one) for one in found], arguments.output):
        return 0
    if found:
        show(table(found, namespaced=arguments.all_namespaces, wide=arguments.output.form == "wide"))
    else:
        print(f"nothing was decided{' in this time' if since else ' yet'}", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rollmodel history", description=_DESCRIPTION)
    parser.add_argument("name", nargs="?", metavar="NAME", help="name of the ModelDeployment (default: all)")
    cluster.add_arguments(parser)
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="models of all namespaces")
    parser.add_argument("--since", type=period, metavar="TIME", help="only the last, e.g. 30m, 12h or 7d")
    add_output(parser, "table", "wide", meaning="wide: also the evidence")
    return parser


def period(text: str) -> timedelta:
    """``30m``, ``12h`` or ``7d``. Raises ArgumentTypeError."""
    match = re.fullmatch(r"(\d{1,5})([mhd])", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time: say minutes, hours or days, e.g. 30m, 12h or 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


async def _objects(session: cluster.Session, arguments: argparse.Namespace) -> Sequence[Mapping[str, Any]]:
    if arguments.name is not None and not arguments.all_namespaces:
        return [await session.get(MODEL_DEPLOYMENT, arguments.name)]
    selectors = {"fieldSelector": f"metadata.name={arguments.name}"} if arguments.name is not None else {}
    return await session.list(MODEL_DEPLOYMENT, everywhere=arguments.all_namespaces, **selectors)


def decisions(objects: Sequence[Mapping[str, Any]], since: datetime | None = None) -> Sequence[Decision]:
    """All entries of these ModelDeployments, oldest first. Raises Invalid for a status of another version."""
    return sorted(_entries(objects, since), key=lambda one: datetime.fromisoformat(one.entry.time))


def _entries(objects: Sequence[Mapping[str, Any]], since: datetime | None) -> Iterator[Decision]:
    for manifest in objects:
        metadata = manifest["metadata"]
        for entry in status_of(ModelDeploymentStatus, manifest).history:
            if since is None or datetime.fromisoformat(entry.time) >= since:
                yield Decision(metadata["namespace"], metadata["name"], entry)


def table(found: Sequence[Decision], *, namespaced: bool = False, wide: bool = False) -> Table:
    """One line for each decision; the model is named where there are several."""
    several = len({(one.namespace, one.name) for one in found}) > 1
    headings = [*(["NAMESPACE"] if namespaced else ()), *(["MODEL"] if several else ())]
    shown = Table("TIME", *headings, "VERDICT", "VERSION", "WHY", "BY", box=None, pad_edge=False, header_style="bold")
    if wide:
        shown.add_column("EVIDENCE")
    for one in found:
        entry = one.entry
        where = [*([one.namespace] if namespaced else ()), *([one.name] if several else ())]
        times = f" ({entry.attempts} times)" if entry.attempts else ""
        verdict = Text(entry.verdict, style=colour(entry.verdict))
        cells = [entry.time, *where, verdict, moved(entry), entry.reason + times, entry.by or ""]
        shown.add_row(*(_cell(cell) for cell in [*cells, *([entry.evidence or ""] if wide else ())]))
    return shown


def _cell(cell: str | Text) -> Text:
    return cell if isinstance(cell, Text) else Text(cell)


def _plain(one: Decision) -> dict[str, Any]:
    """As ``kubectl get -o json`` shows it, with the model that it is about."""
    entry = one.entry.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {"namespace": one.namespace, "name": one.name, **entry}
