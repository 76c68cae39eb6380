"""``rollmodel watch``: one object live, until its fate is known."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live

from rollmodel.adapters.kubernetes.kinds import Resource
from rollmodel.api.conditions import find
from rollmodel.api.modeldeployment import ModelDeploymentStatus
from rollmodel.api.trainingjob import TrainingJobStatus
from rollmodel.cli.common import cluster
from rollmodel.cli.common.follow import follow
from rollmodel.cli.common.printing.rows import row_of, status_of
from rollmodel.cli.common.printing.screen import Screen
from rollmodel.cli.common.targets import add_target, named
from rollmodel.cli.rollout import report, terminal
from rollmodel.cli.rollout.ending import Expectation, now_doing
from rollmodel.cli.rollout.wait import INTERRUPTED, ask_for_look, until_ended
from rollmodel.cli.training import tables as training
from rollmodel.errors import Invalid, RollmodelError

__all__ = ["INTERRUPTED", "fate", "main", "until_known"]

_DESCRIPTION = (
    "Follow one TrainingJob or ModelDeployment until its fate is known. Exit code 0: the run succeeded, or the"
    " version that is wanted after a look at the registry serves; 1: not so."
)


def main(argv: Sequence[str]) -> int:
    """Run the command: 0 for a good end, 1 for a bad one or an error."""
    parser = argparse.ArgumentParser(prog="rollmodel watch", description=_DESCRIPTION)
    add_target(parser)
    parser.add_argument("--version", metavar="VERSION", help="of the model (default: the one that is wanted now)")
    arguments = parser.parse_intermixed_args(argv)
    try:
        kinds, name = named(arguments)
        good = cluster.run(
            arguments.namespace, arguments.kubeconfig, lambda session: _watch(session, kinds, name, arguments.version)
        )
    except RollmodelError as error:
        print(f"rollmodel watch: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0 if good else 1


async def _watch(session: cluster.Session, kinds: Sequence[Resource], name: str, version: str | None) -> bool:
    resource, _ = await session.find(kinds, name)
    if resource == cluster.MODEL_DEPLOYMENT:
        return await _watch_rollout(session, name, version)
    if version is not None:
        raise Invalid("--version is about a ModelDeployment")
    last = await until_known(session, resource, name, Screen())
    return bool(fate(last))


async def _watch_rollout(session: cluster.Session, name: str, version: str | None) -> bool:
    """Until the version has won or lost; the last line says so, with its number and the reason."""
    await ask_for_look(session, name)
    with _View(Screen()) as view:
        ended = await until_ended(session, name, Expectation(version and version.removeprefix("v")), view.show)
    print(ended.text)
    return ended.good


async def until_known(session: cluster.Session, resource: Resource, name: str, console: Console) -> dict[str, Any]:
    """Show the object at each change until its fate is known; the object as it is then."""
    with _View(console) as view:
        async with aclosing(follow(session, resource, name)) as versions:
            async for manifest in versions:
                view.show(manifest)
                if fate(manifest) is not None:
                    break
    return manifest


def fate(manifest: Mapping[str, Any]) -> bool | None:
    """How it ended: well or not; None while that is open. A schedule has no end. Raises Invalid."""
    if manifest["kind"] == "TrainingJob":
        said = find(status_of(TrainingJobStatus, manifest).conditions, "Succeeded")
        return None if said is None or said.status == "Unknown" else said.status == "True"
    status = status_of(ModelDeploymentStatus, manifest)
    ready, reconciling = (find(status.conditions, kind) for kind in ("Ready", "Reconciling"))
    current = status.observed_generation == manifest["metadata"].get("generation")
    if not current or ready is None or (reconciling is not None and reconciling.status != "False"):
        return None
    return ready.status == "True"


class _View:
    """A picture that changes in place on a terminal; elsewhere one line for each change of what a line says."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, get_renderable=self._picture) if console.is_terminal else None
        self._manifest: Mapping[str, Any] = {}
        self._said = ""

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, manifest: Mapping[str, Any]) -> None:
        """The object is like this now."""
        self._manifest = manifest
        if self._live is not None:
            self._live.refresh()
            return
        line = _line(manifest)
        if line != self._said or manifest["kind"] == "ModelDeployment":
            self._console.print(f"{datetime.now(UTC):%H:%M:%S}  {line}", markup=False, soft_wrap=True)
            self._said = line

    def _picture(self) -> RenderableType:
        return Group(*_parts(self._manifest)) if self._manifest else ""


def _parts(manifest: Mapping[str, Any]) -> Iterator[RenderableType]:
    now = datetime.now(UTC)
    if manifest["kind"] == "TrainingJob":
        yield from training.live(manifest, now)
    else:
        yield from terminal.parts(report.of_manifest(manifest, now))


def _line(manifest: Mapping[str, Any]) -> str:
    """All but what only time changes."""
    if manifest["kind"] == "ModelDeployment":
        return f"mdep/{manifest['metadata']['name']}  {now_doing(manifest)}"
    row = row_of(manifest, datetime.now(UTC))
    labelled = (("attempt", row.attempt), ("step", row.step), ("", row.metric), ("queue", row.queue))
    more = (("gates", row.gates), ("version", row.version))
    said = [f"{label} {text}".strip() for label, text in (*labelled, *more) if text]
    return "  ".join([row.name, row.state, *said])
