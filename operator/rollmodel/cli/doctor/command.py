"""``rollmodel doctor``: whether all is there that a rollout needs, and which setting mends what is not."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.cli.common import cluster, prometheus
from rollmodel.cli.common.printing.console import show
from rollmodel.cli.common.printing.output import Output, add_output, printed
from rollmodel.cli.common.targets import add_mlflow_url
from rollmodel.cli.doctor import installed, models, registry
from rollmodel.cli.doctor.check import Check, bad, unknown
from rollmodel.cli.doctor.operators import operators
from rollmodel.errors import RollmodelError
from rollmodel.ports.prometheus import Metrics

__all__ = ["main"]

_DESCRIPTION = (
    "Look whether all is there that a rollout needs: CRDs, operator, rights, Gateways, metrics in Prometheus, MLflow;"
    " and say which setting mends what is not. Nothing is changed."
)
_STYLES = {"ok": "green", "warn": "yellow", "bad": "red"}


def main(argv: Sequence[str]) -> int:
    """Run the command; 1 where something is bad, or the cluster cannot be reached."""
    arguments = _parser().parse_args(argv)
    try:
        source = prometheus.connected(arguments) if arguments.prometheus else None
        matchers = prometheus.matchers(arguments)
        checks = cluster.run(
            arguments.namespace,
            arguments.kubeconfig,
            lambda session: _checks(session, arguments, source, matchers),
        )
    except RollmodelError as error:
        print(f"rollmodel doctor: {error}", file=sys.stderr)
        return 1
    if arguments.mlflow_url:
        checks.append(registry.mlflow(arguments.mlflow_url))
    _print(checks, arguments.output)
    return 1 if any(check.level == "bad" for check in checks) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rollmodel doctor", description=_DESCRIPTION)
    parser.add_argument("name", nargs="?", metavar="NAME", help="a ModelDeployment (default: all of the namespace)")
    cluster.add_arguments(parser)
    parser.add_argument(
        "--operator-namespace", default="rollmodel-system", help="where the operator is (default: rollmodel-system)"
    )
    parser.add_argument("--prometheus", metavar="URL", help="look at the metrics there, too")
    add_mlflow_url(parser)
    add_output(parser, "table")
    prometheus.add_arguments(parser)
    return parser


async def _checks(
    session: cluster.Session, arguments: argparse.Namespace, source: Metrics | None, matchers: str
) -> list[Check]:
    ask, namespace = session.server.request, session.namespace
    checks = [
        *await installed.definitions(ask),
        *await operators(ask, arguments.operator_namespace, namespace, installed.now()),
        *await installed.rights(ask, namespace),
    ]
    try:
        kind = cluster.MODEL_DEPLOYMENT
        found = [await session.get(kind, arguments.name)] if arguments.name else await session.list(kind)
    except RollmodelError as error:
        return [*checks, unknown(f"ModelDeployments in {namespace}", error)]
    for manifest in found:
        checks += await _of_model(session, manifest, source, matchers)
    return checks


async def _of_model(
    session: cluster.Session, manifest: Mapping[str, Any], source: Metrics | None, matchers: str
) -> list[Check]:
    name, namespace = manifest["metadata"]["name"], session.namespace
    try:
        spec = ModelDeploymentSpec.model_validate(manifest.get("spec") or {})
    except ValidationError as error:
        return [bad(f"{name}: spec", f"cannot be read: {error.errors()[0]['msg']}", "`rollmodel lint` says more")]
    checks = [*await models.gateways(session.server.request, namespace, name, spec), *models.route(name, manifest)]
    if source is None:
        return checks
    now = installed.now().timestamp()
    checks += await models.scrapes(source, namespace, name, manifest, now=now, cluster=matchers)
    return checks + await models.metrics(source, namespace, name, manifest, now=now, cluster=matchers)


def _print(checks: Sequence[Check], output: Output) -> None:
    if not printed([asdict(check) for check in checks], output):
        show(_table(checks))


def _table(checks: Sequence[Check]) -> Table:
    table = Table("", "WHAT", "FOUND", "TO DO", box=None, pad_edge=False, header_style="bold")
    for check in dict.fromkeys(checks):
        table.add_row(Text(check.level, style=_STYLES[check.level]), check.subject, check.message, check.advice)
    return table
