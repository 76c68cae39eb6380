"""The ``rollmodel`` command: finds the module behind a subcommand and imports nothing else.

Imports cost memory (Kopf, the Kubernetes client and MLflow tens of megabytes each), and the pods of users run this
command too.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from rollmodel import __version__
from rollmodel.on_demand import init_on_demand

__all__ = ["main"]

#: Subcommand -> (module whose ``main(argv) -> int`` runs it, or "module:function", what it does).
COMMANDS = {
    "run": ("rollmodel.runtime.main", "run the operator"),
    "crds": ("rollmodel.api.crd", "write the CRDs, or check that they are current"),
    "fetch": ("rollmodel.serving.fetch.model", "fetch a model and verify its digest (in the pod)"),
    "input": (
        "rollmodel.serving.fetch.input",
        "bring an input of a training to the pod, and report its digest (in the pod)",
    ),
    "serve": ("rollmodel.serving.server.main", "serve a fetched model (in the pod)"),
    "hold": ("rollmodel.serving.holding_page", "answer 503 with Retry-After while a model is asleep (in the pod)"),
    "count-log": (
        "rollmodel.serving.predictions.count_log.command",
        "count a prediction log and its labels for a DriftPolicy (in a Job)",
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns its exit code. ``rollmodel.cli.COMMANDS`` adds those that people use."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] not in COMMANDS:
        return _main_of_cli(arguments)
    target, _ = COMMANDS[arguments[0]]
    if arguments[0] == "run":
        init_on_demand()
    return _run(target, arguments[1:])


def _main_of_cli(arguments: list[str]) -> int:
    """The commands of :mod:`rollmodel.cli`, help, and the message for what nobody knows."""
    init_on_demand()
    commands = COMMANDS | import_module("rollmodel.cli").COMMANDS
    parser = argparse.ArgumentParser(
        prog="rollmodel",
        description="A model earns its traffic with evidence, and loses it the same way.",
        epilog="`rollmodel COMMAND --help` says more about a command.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (_, text) in commands.items():
        subparsers.add_parser(name, help=text, add_help=False)
    chosen, rest = parser.parse_known_args(arguments)
    return _run(commands[chosen.command][0], rest)


def _run(target: str, arguments: list[str]) -> int:
    module, _, function = target.partition(":")
    code: int = getattr(import_module(module), function or "main")(arguments)
    return code


if __name__ == "__main__":
    sys.exit(main())
