"""``rollmodel verify-training``: train again with everything pinned, and compare what comes out."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from rollmodel.api.trainingjob import TrainingJobStatus
from rollmodel.cli.common import cluster
from rollmodel.cli.common.cluster import TRAINING_JOB, Session
from rollmodel.cli.common.printing.colours import colour
from rollmodel.cli.common.printing.console import console, show
from rollmodel.cli.common.printing.rows import spec_of, status_of
from rollmodel.cli.common.targets import add_mlflow_url
from rollmodel.cli.training import tables as training
from rollmodel.cli.training.comparison import Comparison, FileRow, MetricRow, Tolerance, compare
from rollmodel.cli.training.rerun import VERIFIES, next_name, rerun_of, trained
from rollmodel.cli.training.runs import Runs
from rollmodel.cli.watch import INTERRUPTED, fate, until_known
from rollmodel.errors import Conflict, Forbidden, Invalid, RollmodelError

__all__ = ["main", "shown"]

_DESCRIPTION = (
    "Train again with the image, inputs, parameters and seed that a TrainingJob had, and compare: the reproducibility"
    " hash, every final metric, the files of the logged model. Exit code 0 only if all that was asked for holds."
)

Document = dict[str, Any]


def main(argv: Sequence[str]) -> int:
    """Run the command: 0 if the rerun came to the same, 1 if not or where it could not be found out."""
    arguments = _parser().parse_args(argv)
    screen = console()
    try:
        if not arguments.mlflow_url:
            raise Invalid("where is MLflow? Say it with --mlflow-url or $MLFLOW_TRACKING_URI")
        runs = Runs(arguments.mlflow_url)
        first, rerun = cluster.run(
            arguments.namespace, arguments.kubeconfig, lambda session: _again(session, arguments, runs, screen)
        )
        found = _compared(first, rerun, runs, arguments)
        show(*shown(found))
    except RollmodelError as error:
        print(f"rollmodel verify-training: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 1 if found.failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rollmodel verify-training", description=_DESCRIPTION)
    parser.add_argument("name", metavar="NAME", help="name of the TrainingJob")
    cluster.add_arguments(parser)
    parser.add_argument(
        "--tolerance",
        type=_tolerance,
        action="append",
        default=[],
        metavar="[METRIC=]VALUE",
        help="largest absolute difference of a metric, or of all others (default: 0); may be repeated",
    )
    parser.add_argument(
        "--require-identical-artifacts",
        action="store_true",
        help="the files of the model must be the same, but for those that hold times and ids",
    )
    add_mlflow_url(parser)
    return parser


def _tolerance(text: str) -> tuple[str, float]:
    """A metric's name (empty: all others) and its tolerance."""
    metric, _, value = text.rpartition("=")
    number = float(value)
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(text)
    return metric, number


async def _again(
    session: Session, arguments: argparse.Namespace, runs: Runs, console: Console
) -> tuple[Document, Document]:
    """The TrainingJob and its rerun, once that has ended well. Raises Invalid where it has not."""
    first = await session.get(TRAINING_JOB, arguments.name)
    status = status_of(TrainingJobStatus, first)
    trained(first, status)
    runs.metrics(str(status.run_id))  # a wrong address or login should show before anything is trained
    made = await _created(session, first)
    name = made["metadata"]["name"]
    console.print(f"created tjob/{name}, which does again what {arguments.name} did", markup=False)
    rerun = await until_known(session, TRAINING_JOB, name, console)
    if not fate(rerun):
        said = training.outcome(status_of(TrainingJobStatus, rerun)).plain
        raise Invalid(f"the rerun did not succeed: {said}; `rollmodel describe tjob {name}` says more")
    return first, rerun


async def _created(session: Session, first: Document) -> Document:
    """The rerun under the next free name, which somebody else may take at the same moment."""
    while True:
        others = await session.list(TRAINING_JOB)
        name = next_name(first["metadata"]["name"], [other["metadata"]["name"] for other in others])
        with suppress(Conflict):
            return await session.create(TRAINING_JOB, rerun_of(first, name))


def _compared(first: Document, rerun: Document, runs: Runs, arguments: argparse.Namespace) -> Comparison:
    """What both came to, as MLflow has it. The rerun's run is tagged with the run that it verifies."""
    statuses = [status_of(TrainingJobStatus, manifest) for manifest in (first, rerun)]
    ids = [str(status.run_id) for status in statuses]
    registration = spec_of(first).registration
    name = registration.artifact_path if registration else None
    tolerances = dict(arguments.tolerance)
    hashes = [status.reproducibility.hash if status.reproducibility else None for status in statuses]
    try:
        runs.tag(ids[1], VERIFIES, ids[0])
    except Forbidden as error:
        print(f"the rerun could not be tagged in MLflow: {error}", file=sys.stderr)
    return compare(
        (hashes[0], hashes[1]),
        (runs.metrics(ids[0]), runs.metrics(ids[1])),
        (runs.model_files(ids[0], name), runs.model_files(ids[1], name)),
        Tolerance(tolerances.pop("", 0.0), tolerances),
        identical=arguments.require_identical_artifacts,
    )


def shown(found: Comparison) -> Iterator[RenderableType]:
    """The comparison, from top to bottom."""
    first, rerun = found.hashes
    same = first is not None and first == rerun
    yield Text.assemble("reproducibility hash  ", ("Same", "green") if same else ("Differs", "red"))
    for label, value in (("", first),) if same else (("first ", first), ("rerun ", rerun)):
        yield Text(f"  {label}{value or 'not recorded'}")
    for table in (_metrics(found.metrics), _files(found.files)):
        if table.row_count:
            yield ""
            yield table
    yield ""
    for failure in found.failures:
        yield Text(failure, style="red")
    if not found.failures:
        yield Text("verified: the rerun came to the same", style="bold green")


def _metrics(rows: Sequence[MetricRow]) -> Table:
    table = Table("METRIC", "FIRST", "RERUN", "DIFFERENCE", "TOLERANCE", "VERDICT", box=None, pad_edge=False)
    for row in rows:
        numbers = (_number(row.first), _number(row.rerun), _number(row.difference), f"{row.tolerance:g}")
        table.add_row(Text(row.name), *numbers, Text(row.verdict, style=colour(row.verdict)))
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _files(rows: Sequence[FileRow]) -> Table:
    table = Table("FILE OF THE MODEL", "FIRST (SHA-256)", "RERUN", "VERDICT", box=None, pad_edge=False)
    for row in rows:
        digests = ((digest or "")[:16] for digest in (row.first, row.rerun))
        said = "Expected to differ: times and ids" if row.verdict == "Expected" else row.verdict
        table.add_row(Text(row.path), *digests, Text(said, style=colour(row.verdict)))
    return table
