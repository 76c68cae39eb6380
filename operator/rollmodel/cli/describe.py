"""``rollmodel describe``: one object with all that its status and its Events say."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from rollmodel.adapters.kubernetes.kinds import Resource, resource_of
from rollmodel.api.modeldeployment import ModelDeploymentStatus
from rollmodel.cli.common import cluster
from rollmodel.cli.common.printing.console import show
from rollmodel.cli.common.printing.rows import age, status_of
from rollmodel.cli.common.targets import add_mlflow_url, add_target, named
from rollmodel.cli.drift import tables as drift
from rollmodel.cli.rollout import report, terminal
from rollmodel.cli.training import tables as training
from rollmodel.errors import Forbidden, RollmodelError

__all__ = ["main"]

_DESCRIPTION = "Show one object of ours: conditions, signals, inputs, gates, attempts, run, evidence, events."


def main(argv: Sequence[str]) -> int:
    """Run the command; 1 where the object cannot be read."""
    parser = argparse.ArgumentParser(prog="rollmodel describe", description=_DESCRIPTION)
    add_target(parser, policies=True)
    add_mlflow_url(parser)
    arguments = parser.parse_intermixed_args(argv)
    try:
        kinds, name = named(arguments, policies=True)
        manifest, events = cluster.run(
            arguments.namespace, arguments.kubeconfig, lambda session: _read(session, kinds, name)
        )
        show(*_parts(manifest, events, arguments.mlflow_url))
    except RollmodelError as error:
        print(f"rollmodel describe: {error}", file=sys.stderr)
        return 1
    return 0


async def _read(
    session: cluster.Session, kinds: Sequence[Resource], name: str
) -> tuple[dict[str, Any], Sequence[dict[str, Any]] | None]:
    """The object, and its Events; None for Events that one may not read."""
    _, manifest = await session.find(kinds, name)
    selector = f"involvedObject.uid={manifest['metadata']['uid']}"
    try:
        return manifest, await session.list(resource_of("v1", "Event"), fieldSelector=selector)
    except Forbidden:
        return manifest, None


def _parts(
    manifest: Mapping[str, Any], events: Sequence[Mapping[str, Any]] | None, mlflow_url: str | None
) -> Iterator[RenderableType]:
    now = datetime.now(UTC)
    if manifest["kind"] == "TrainingJob":
        yield from training.described(manifest, now, mlflow_url)
    elif manifest["kind"] == "DriftPolicy":
        yield from drift.described(manifest, now)
    else:
        yield from terminal.parts(report.of_manifest(manifest, now))
        found = training.conditions(status_of(ModelDeploymentStatus, manifest).conditions, now)
        if found is not None:
            yield Text("\nConditions", style="bold")
            yield found
    if events is None:
        yield Text("\nEvents may not be read with this login.", style="dim")
    elif events:
        yield Text("\nEvents", style="bold")
        yield _events(events, now)


def _events(events: Sequence[Mapping[str, Any]], now: datetime) -> Table:
    """Events, oldest first, with how long ago each was last seen."""
    table = Table("AGO", "TIMES", "TYPE", "REASON", "MESSAGE", box=None, pad_edge=False, header_style="dim")
    for event in sorted(events, key=_last_seen):
        cells = (str(event.get("count") or 1), event.get("type"), event.get("reason"), event.get("message"))
        table.add_row(age(_last_seen(event), now), *(Text(cell or "") for cell in cells))
    return table


def _last_seen(event: Mapping[str, Any]) -> str:
    """RFC 3339; Events of the newer API have ``eventTime`` only."""
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"])
