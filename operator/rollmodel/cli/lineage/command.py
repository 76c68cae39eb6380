"""``rollmodel lineage WORD``: from which data and run a version came, which gates it passed, and who decided what."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from rollmodel.cli.common import cluster
from rollmodel.cli.common.cluster import DRIFT_POLICY, MODEL_DEPLOYMENT, TRAINING_JOB
from rollmodel.cli.common.printing.colours import colour
from rollmodel.cli.common.printing.console import show
from rollmodel.cli.common.printing.html import TEMPLATES
from rollmodel.cli.common.printing.output import add_output, printed
from rollmodel.cli.common.targets import add_mlflow_url
from rollmodel.cli.lineage.chain import Chain, Objects, chains, matching
from rollmodel.cli.lineage.prediction import of_prediction
from rollmodel.cli.lineage.registry import with_registry
from rollmodel.errors import NotFound, RollmodelError

__all__ = ["main", "parts", "render"]

_DESCRIPTION = (
    "Show where a version of a model came from and what was decided about it: alarm, training, data, run, gates,"
    " evidence, decision, and by whom."
)


def main(argv: Sequence[str]) -> int:
    """Run the command; 1 where there is no such chain, or it cannot be read."""
    arguments = _parser().parse_args(argv)
    try:
        found = _found(arguments)
        if not printed([_plain(one) for one in found], arguments.output):
            show(*parts(found))
        if arguments.html:
            made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
            arguments.html.write_text(render(found, arguments.word, made=made), encoding="utf-8")
    except (RollmodelError, OSError) as error:
        print(f"rollmodel lineage: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rollmodel lineage", description=_DESCRIPTION)
    parser.add_argument(
        "word",
        metavar="WORD",
        help="a model, MODEL/VERSION, a ModelDeployment, a TrainingJob, a revision, or the id of a run; with --log the"
        " id of a prediction",
    )
    parser.add_argument("--log", metavar="WHERE", help="prediction log: a folder or s3://bucket/prefix")
    cluster.add_arguments(parser)
    add_mlflow_url(parser)
    add_output(parser, "table", meaning="all links as data, or as a table")
    parser.add_argument("--html", type=Path, metavar="FILE", help="also draw it as a page")
    return parser


def _found(arguments: argparse.Namespace) -> list[Chain]:
    objects = cluster.run(arguments.namespace, arguments.kubeconfig, _objects)
    if arguments.log:
        found = of_prediction(chains(objects), arguments.word, arguments.log)
    else:
        found = matching(chains(objects), arguments.word)
    if not found:
        raise NotFound(
            f"nothing here is called {arguments.word!r}: say a model, MODEL/VERSION, a ModelDeployment, a TrainingJob,"
            " a revision or the id of a run, or with --log that of a prediction; `rollmodel get` lists what there is"
        )
    return [with_registry(one, arguments.mlflow_url) for one in found] if arguments.mlflow_url else found


async def _objects(session: cluster.Session) -> Objects:
    """All of the namespace: a chain goes through several kinds."""
    return Objects(
        deployments=await session.list(MODEL_DEPLOYMENT),
        trainings=await session.list(TRAINING_JOB),
        policies=await session.list(DRIFT_POLICY),
    )


def _plain(chain: Chain) -> dict[str, object]:
    sets = {name: sorted(getattr(chain, name)) for name in ("revisions", "deployments")}
    return {**asdict(chain), **sets}


def parts(found: Sequence[Chain]) -> Iterator[RenderableType]:
    """A table for each version, the newest first."""
    for index, chain in enumerate(found):
        title = Text.assemble(*(["\n"] if index else []), (f"{chain.model or 'no model'} {chain.version}", "bold"))
        yield title.append(f"  {chain.now}" if chain.now else "")
        table = Table("LINK", "TIME", "NAME", "OUTCOME", "WHY", "BY", box=None, pad_edge=False, header_style="dim")
        for link in chain.links:
            outcome = Text(link.outcome, style=colour(link.outcome))
            table.add_row(link.what, link.time, Text(link.name), outcome, Text(link.why), Text(link.by))
        yield table


def render(found: Sequence[Chain], word: str, *, made: str) -> str:
    """The chains as a page of HTML; ``made`` says when."""
    return TEMPLATES.get_template("lineage/lineage.html.j2").render(chains=found, word=word, made=made)
