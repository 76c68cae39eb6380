"""``rollmodel backtest``: what a policy would have decided on past rollouts, and when.

Try a policy on your own past before you trust it: on a CSV file of counts (``counts``), or on what Prometheus remembers
(``recording``).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from rich.table import Table
from rich.text import Text

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.cli.backtest.batch import Batch
from rollmodel.cli.backtest.counts import Counts, fold
from rollmodel.cli.backtest.recording import Pair, read
from rollmodel.cli.backtest.rows import Rows, read_rows
from rollmodel.cli.backtest.steps import Result, replay
from rollmodel.cli.common import prometheus
from rollmodel.cli.common.manifest import counted, read_manifest, sound, spec_of
from rollmodel.cli.common.printing.console import show
from rollmodel.errors import Invalid, RollmodelError
from rollmodel.evidence.core.types import JudgePlan
from rollmodel.plan.deployment.analysis.policy import judge_plan

__all__ = ["main"]

_DESCRIPTION = "Say what a policy would have decided on past rollouts, and when."
_EPILOG = (
    "A file counts one metric, and is judged as if it were the only one; Prometheus gives all metrics, by the"
    " operator's own queries. Replayed are the evidence, the ceilings, the steps' times, onFailure and onUndecided. Not"
    " replayed are changes of the split (labels that come late are awaited at the begin only), pauses by people, and"
    " onBlind with maxBlindSeconds: what was recorded does not tell when it could not be read."
)
_STYLES = {"RollBack": "red", "Promote": "green", "Undecided": "yellow"}


def main(argv: Sequence[str]) -> int:
    """Run the command; 2 for input that cannot be used."""
    arguments = _parser().parse_args(argv)
    try:
        results = _from_counts(arguments) if arguments.counts else _from_prometheus(arguments)
    except RollmodelError as error:
        print(f"rollmodel backtest: {error}", file=sys.stderr)
        return 2
    if arguments.output == "json":
        for result in results:
            print(json.dumps(asdict(result)))
    else:
        _show(results)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rollmodel backtest", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument(
        "manifest", type=Path, help="YAML with a ModelDeployment; its analysis and rollout are the policy"
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--counts", type=Path, metavar="FILE", help="CSV: rollout,time,arm,pod,total,bad")
    source.add_argument("--prometheus", metavar="URL", help="read one past rollout from Prometheus")
    parser.add_argument("--metric", help="count metric that the file is about (default: the first of the analysis)")
    parser.add_argument("--start", help="when the rollout began, e.g. 2026-08-01T12:00:00Z")
    parser.add_argument("--end", help="when its record ends (default: now)")
    parser.add_argument("--stable", metavar="REVISION", help="stable revision (default: as the manifest's status says)")
    parser.add_argument("--candidate", metavar="REVISION", help="revision that was tried (default: likewise)")
    parser.add_argument(
        "--baseline", metavar="REVISION", help="fresh pods that it was compared with, if it was (default: likewise)"
    )
    parser.add_argument(
        "-o", "--output", choices=("table", "json"), default="table", help="json: one line for each rollout"
    )
    prometheus.add_arguments(parser)
    return parser


def _from_counts(arguments: argparse.Namespace) -> list[Result]:
    spec = _compared(spec_of(read_manifest(arguments.manifest)))
    plan = counted(spec, arguments.metric)
    rows = read_rows(arguments.counts)
    recorded = fold(rows, plan.interval)
    _note(plan, len(spec.analysis.metrics), rows, recorded)
    return replay(Batch(rows.rollouts, plan, recorded), spec.rollout)


def _from_prometheus(arguments: argparse.Namespace) -> list[Result]:
    manifest = read_manifest(arguments.manifest)
    spec, pair = _without_pairs(_compared(spec_of(manifest))), _pair(manifest, arguments)
    if arguments.start is None:
        raise Invalid("--prometheus needs --start, the time when the rollout began")
    start, end = _moment(arguments.start), _moment(arguments.end) if arguments.end else datetime.now(UTC).timestamp()
    metrics, cluster = prometheus.connected(arguments), prometheus.matchers(arguments)
    recording = read(spec, sound(judge_plan(spec)), pair, metrics, start=start, end=end, cluster=cluster)
    return replay(asyncio.run(recording), spec.rollout)


def _compared(spec: ModelDeploymentSpec) -> ModelDeploymentSpec:
    """The spec, if its strategy compares anybody. Raises Invalid."""
    if judge_plan(spec).candidate_share >= 1:
        strategy = spec.rollout.strategy
        raise Invalid(f"{strategy} compares nobody, so there is nothing to replay: its ceilings hold while it bakes")
    return spec


def _without_pairs(spec: ModelDeploymentSpec) -> ModelDeploymentSpec:
    """The spec without metrics about copies, which rollouts of the past have none of."""
    paired = [metric.name for metric in spec.analysis.metrics if metric.paired is not None]
    if not paired:
        return spec
    print(f"left out: {', '.join(paired)} (`paired` needs copies of requests)", file=sys.stderr)
    metrics = [metric for metric in spec.analysis.metrics if metric.paired is None]
    return spec.model_copy(update={"analysis": spec.analysis.model_copy(update={"metrics": metrics})})


def _pair(manifest: Mapping[str, Any], arguments: argparse.Namespace) -> Pair:
    """Which revisions are meant: as asked for, else those of the last decision in the manifest's status."""
    metadata, status = manifest.get("metadata") or {}, manifest.get("status") or {}
    last = (status.get("history") or [{}])[-1]
    stable, candidate = arguments.stable or last.get("fromRevision"), arguments.candidate or last.get("toRevision")
    baseline = arguments.baseline or (last.get("baseline") if candidate == last.get("toRevision") else None)
    if not stable or not candidate:
        raise Invalid("name the revisions with --stable and --candidate: the manifest's status holds no decision")
    return Pair(metadata.get("namespace", "default"), metadata["name"], stable, candidate, baseline)


def _moment(text: str) -> float:
    """Unix seconds of an RFC 3339 time, or of a number. Raises Invalid."""
    try:
        return float(text) if text.replace(".", "", 1).isdigit() else datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise Invalid(f"{text!r} is not a time such as 2026-08-01T12:00:00Z") from error


def _note(plan: JudgePlan, metrics: int, rows: Rows, recorded: Counts) -> None:
    """What the user should know before reading the results, on standard error."""
    if metrics > 1:
        print(
            f"judging '{plan.metrics[0].name}' alone, with the whole risk: the file counts one metric", file=sys.stderr
        )
    if recorded.interval > plan.interval:
        message = f"the file has a row every {recorded.interval:g} s; the analysis would look every {plan.interval:g} s"
        print(message, file=sys.stderr)
    wrong = rows.number[rows.impossible()]
    if len(wrong):
        message = f"{len(wrong)} rows cannot be true (first: row {wrong[0]}); their windows are no evidence"
        print(message, file=sys.stderr)


def _show(results: Sequence[Result]) -> None:
    table = Table("ROLLOUT", "VERDICT", "AFTER", "REASON", box=None, pad_edge=False)
    for result in results:
        styled = Text(result.verdict, style=_STYLES[result.verdict])
        table.add_row(result.rollout, styled, f"{result.seconds:g} s", result.reason)
    show(table)
    for verdict, count in Counter(result.verdict for result in results).most_common():
        middle = median(result.seconds for result in results if result.verdict == verdict)
        print(f"{verdict}: {count} of {len(results)}, median after {middle:g} s")
