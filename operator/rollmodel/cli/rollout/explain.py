"""``rollmodel explain``: what the evidence says about a rollout, and how far it is from a decision."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from rollmodel.api.modeldeployment import ModelDeploymentStatus
from rollmodel.cli.backtest.recording import Moment, Pair, read
from rollmodel.cli.common import cluster, prometheus
from rollmodel.cli.common.console import show
from rollmodel.cli.common.manifest import read_manifest, sound, spec_of
from rollmodel.cli.common.rows import status_of
from rollmodel.cli.common.targets import add_target, one_of
from rollmodel.cli.drift import explain as policy
from rollmodel.cli.rollout import page, report, terminal
from rollmodel.errors import Invalid, RollmodelError
from rollmodel.evidence import judge
from rollmodel.evidence.core.types import JudgePlan
from rollmodel.plan.deployment.analysis.policy import judge_plan

__all__ = ["main"]

_DESCRIPTION = (
    "Show the evidence for and against the candidate of a ModelDeployment, and how far it is from a decision; of a"
    " DriftPolicy what changed, and what it can see."
)


class _Past(NamedTuple):
    """What is read again: whose requests, from when to when (unix seconds), and how they are judged."""

    plan: JudgePlan
    stable: str
    candidate: str
    start: float
    end: float


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
        found = _as_it_ended(found, moments, manifest)
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
    """The windows of the rollout that goes on, or of the last one, judged again from its begin. Raises Invalid."""
    status = status_of(ModelDeploymentStatus, manifest)
    plan, stable, candidate, start, end = _going_on(status, now) or _ended(status, manifest)
    pair = Pair(manifest["metadata"]["namespace"], manifest["metadata"]["name"], stable, candidate)
    metrics, matchers = prometheus.connected(arguments), prometheus.matchers(arguments)
    recording = read(spec_of(manifest), plan, pair, metrics, start=start, end=end, cluster=matchers)
    return asyncio.run(recording).play()


def _going_on(status: ModelDeploymentStatus, now: datetime) -> _Past | None:
    """The rollout that goes on, as its judge remembers it. Raises Invalid."""
    if not (status.judge and status.candidate and status.stable):
        return None
    try:
        state = judge.load(status.judge)
    except judge.StateError as error:
        raise Invalid(str(error)) from error
    end = min(now.timestamp(), state.end) if state.ticks else now.timestamp()
    return _Past(state.plan, status.stable.revision, status.candidate.revision, state.begun, end)


def _ended(status: ModelDeploymentStatus, manifest: Mapping[str, Any]) -> _Past:
    """The last rollout in the history that was judged, with the policy of the spec as it is now. Raises Invalid."""
    for entry in reversed(status.history):
        if entry.begun and entry.from_revision:
            plan = sound(judge_plan(spec_of(manifest)))
            times = (datetime.fromisoformat(moment).timestamp() for moment in (entry.begun, entry.time))
            return _Past(plan, entry.from_revision, entry.to_revision, *times)
    raise Invalid("neither is a rollout judged now, nor does the history have one whose past could be read")


def _as_it_ended(found: report.Report, moments: Sequence[Moment], manifest: Mapping[str, Any]) -> report.Report:
    """With the numbers of the last window, where the status has only lines about what has ended."""
    if not moments or any(metric.report is not None for metric in found.metrics):
        return found
    plan = sound(judge_plan(spec_of(manifest)))
    return replace(found, metrics=report.views(plan, moments[-1].assessment))
