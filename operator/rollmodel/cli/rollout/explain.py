"""``rollmodel explain``: what the evidence says about a rollout, and how far it is from a decision."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rollmodel.cli.backtest.recording import Moment
from rollmodel.cli.common import cluster, prometheus
from rollmodel.cli.common.manifest import read_manifest
from rollmodel.cli.common.printing.console import show
from rollmodel.cli.common.targets import add_target, one_of
from rollmodel.cli.drift import explain as policy
from rollmodel.cli.rollout import page, past, report, terminal
from rollmodel.errors import RollmodelError

__all__ = ["main"]

_DESCRIPTION = (
    "Show the evidence for and against the candidate of a ModelDeployment, and how far it is from a decision; of a"
    " DriftPolicy what changed, and what it can see."
)


def main(argv: Sequence[str]) -> int:
    """Run the command; 1 where the object cannot be read."""
    parser = _parser()
    arguments = parser.parse_intermixed_args(argv)
    if (arguments.file is None) == (arguments.kind is None):
        parser.error("either a name or --file is required")
    now = datetime.now(UTC)
    try:
        manifest = _manifest(arguments)
        if manifest["kind"] == "DriftPolicy":
            policy.explained(manifest, arguments, now)
            return 0
        found = report.of_manifest(manifest, now)
        moments = _moments(manifest, arguments, now) if arguments.prometheus else []
        found = past.as_it_ended(found, moments, manifest)
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
    add_target(parser, kinds="modeldeployment (mdep), which may be left out, or driftpolicy (dpol)")
    parser.add_argument("--file", type=Path, help="read the object from a YAML or JSON file instead of the cluster")
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write a page that needs nothing but itself")
    parser.add_argument(
        "--prometheus",
        metavar="URL",
        help="read the past of the rollout that goes on, or of the last one, for the page's charts; of a DriftPolicy"
        " the distributions of its last look",
    )
    prometheus.add_arguments(parser)
    return parser


def _manifest(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.file is not None:
        return read_manifest(arguments.file, kinds=("ModelDeployment", "DriftPolicy"))
    kind, name = one_of((cluster.MODEL_DEPLOYMENT, cluster.DRIFT_POLICY), arguments)
    return cluster.run(arguments.namespace, arguments.kubeconfig, lambda session: session.get(kind, name))


def _moments(manifest: Mapping[str, Any], arguments: argparse.Namespace, now: datetime) -> Sequence[Moment]:
    """The windows of the rollout that goes on, or of the last one. Raises Invalid."""
    metrics, matchers = prometheus.connected(arguments), prometheus.matchers(arguments)
    return asyncio.run(past.recorded(manifest, past.span(manifest, now), metrics, matchers)).play()
