"""``rollmodel promote``, ``abort``, ``pause``, ``resume`` and ``retry``: ask for something by annotation.

The operator consumes the annotation once and answers in ``status.lastCommand``; see
:mod:`rollmodel.plan.deployment.strategies.commands` for what each verb does.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from rollmodel.cli import VERBS
from rollmodel.cli.common import cluster
from rollmodel.errors import Invalid, RollmodelError
from rollmodel.plan.deployment.strategies.commands import ANNOTATION

__all__ = ["abort", "ask", "pause", "promote", "resume", "retry"]


def ask(verb: str, argv: Sequence[str]) -> int:
    """Write the annotation; 1 where that is not possible or there is nothing to ask for."""
    parser = argparse.ArgumentParser(prog=f"rollmodel {verb}", description=f"{VERBS[verb].capitalize()}.")
    parser.add_argument("name", help="name of the ModelDeployment")
    cluster.add_arguments(parser)
    arguments = parser.parse_args(argv)
    try:
        manifest = cluster.fetch(arguments.name, namespace=arguments.namespace, kubeconfig=arguments.kubeconfig)
        revision = _revision(verb, manifest)
        command = f"{verb} {revision} {secrets.token_hex(4)}"
        cluster.annotate(manifest, ANNOTATION, command, kubeconfig=arguments.kubeconfig)
    except RollmodelError as error:
        print(f"rollmodel {verb}: {error}", file=sys.stderr)
        return 1
    print(f"asked to {verb} {revision}; `rollmodel explain {arguments.name}` shows what became of it")
    return 0


promote = partial(ask, "promote")
abort = partial(ask, "abort")
pause = partial(ask, "pause")
resume = partial(ask, "resume")
retry = partial(ask, "retry")


def _revision(verb: str, manifest: Mapping[str, Any]) -> str:
    """The revision that the command is about: it is named, so that a late command hits nothing else. Raises Invalid."""
    place = "rejected" if verb == "retry" else "candidate"
    arm = (manifest.get("status") or {}).get(place)
    if not arm:
        missing = "no revision was taken back" if verb == "retry" else "no revision is being tried"
        raise Invalid(f"nothing to {verb}: {missing}")
    return str(arm["revision"])
