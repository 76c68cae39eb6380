"""``rollmodel explain``: what the evidence says about a rollout, and how far it is from a decision."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rollmodel.adapters.prometheus.client import Prometheus
from rollmodel.cli.backtest.recording import Moment, Pair, read
from rollmodel.cli.common import cluster
from rollmodel.cli.common.console import show
from rollmodel.cli.common.manifest import read_manifest, spec_of
from rollmodel.cli.rollout import page, report, terminal
from rollmodel.errors import Invalid, RollmodelError
from rollmodel.evidence import judge

__all__ = ["main"]

_DESCRIPTION = (
    "Show the evidence for and against the candidate of a ModelDeployment, and how far it is from a decision."
)


def main(argv: Sequence[str]) -> int:
    """Run the command; 1 where the object cannot be read."""
    arguments = _parser().parse_args(argv)
    now = datetime.now(UTC)
    try:
        manifest = _manifest(arguments)
        found = report.of_manifest(manifest, now)
        moments = _moments(manifest, arguments.prometheus, now) if arguments.prometheus else []
        show(*terminal.parts(found))
        if arguments.html:
            text = page.render(found, moments, made=now.strftime("%Y-%m-%d %H:%M UTC"))
            arguments.html.write_text(text, encoding="utf-8")
    except (RollmodelError, OSError) as error:
        print(f"rollmodel explain: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rollmodel explain", description=_DESCRIPTION)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("name", nargs="?", help="name of the ModelDeployment")
    source.add_argument("--file", type=Path, help="read the object from a YAML or JSON file instead of the cluster")
    cluster.add_arguments(parser)
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write a page that needs nothing but itself")
    parser.add_argument("--prometheus", metavar="URL", help="read the past, for the page's charts over time")
    return parser


def _manifest(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.file is not None:
        return read_manifest(arguments.file)
    return cluster.fetch(arguments.name, namespace=arguments.namespace, kubeconfig=arguments.kubeconfig)


def _moments(manifest: Mapping[str, Any], url: str, now: datetime) -> Sequence[Moment]:
    """The rollout's windows so far, judged again from its begin. Raises Invalid where none is going on."""
    status = manifest.get("status") or {}
    if not (status.get("judge") and status.get("candidate") and status.get("stable")):
        raise Invalid("there is no judged rollout going on whose past could be read")
    try:
        state = judge.load(status["judge"])
    except judge.StateError as error:
        raise Invalid(str(error)) from error
    metadata = manifest["metadata"]
    pair = Pair(metadata["namespace"], metadata["name"], status["stable"]["revision"], status["candidate"]["revision"])
    end = min(now.timestamp(), state.end) if state.ticks else now.timestamp()
    recording = asyncio.run(read(spec_of(manifest), state.plan, pair, Prometheus(url), start=state.begun, end=end))
    return recording.play()
