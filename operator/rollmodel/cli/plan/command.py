"""``rollmodel plan -f FILE``: what applying manifests would change, before anybody does it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from rollmodel.adapters.kubernetes.apiserver import APPLY
from rollmodel.adapters.kubernetes.kinds import resource_of
from rollmodel.cli.common import cluster
from rollmodel.cli.common.cluster import FIELD_MANAGER, Session
from rollmodel.cli.common.printing.output import Output, add_output, printed
from rollmodel.cli.lint.documents import Document, documents
from rollmodel.cli.lint.findings import written
from rollmodel.cli.lint.meaning import refused_by_operator
from rollmodel.cli.lint.objects import KINDS_OF_OURS, object_problems
from rollmodel.cli.plan.changes import Planned, planned
from rollmodel.errors import Forbidden, Invalid, NotFound, RollmodelError
from rollmodel.plan.deployment.at_rest import Unplaceable
from rollmodel.text import plain

__all__ = ["CHANGES", "main"]

_DESCRIPTION = (
    "Say what applying manifests would change: fields of ours, the objects that the operator would make of them, and"
    " whether another revision is tried. Exit code 0: nothing changes; 2: something does; 1: it cannot be known, or is"
    " refused."
)
_EPILOG = (
    "The objects are rendered by the operator's own code, as they are once the new revision serves. What only the"
    " operator or the registry knows (images, versions, digests) is a placeholder. Nothing is written."
)
#: Exit code where something changes.
CHANGES = 2
_MARKS = {"create": "+", "change": "~", "delete": "-"}

#: The spec of an object now; None where there is none.
_Live = Mapping[tuple[str, str], Mapping[str, Any] | None]


class _Parser(argparse.ArgumentParser):
    """An error in the arguments must not look like a change."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(1, f"{self.prog}: error: {message}\n")


def main(argv: Sequence[str]) -> int:
    """Run the command; see the description for the exit codes."""
    arguments = _parser().parse_args(argv)
    try:
        found = _sound(documents(arguments.filename))
        live = _live(found, arguments)
        plans = [_plan(one, live, arguments.namespace) for one in found]
    except (RollmodelError, Unplaceable) as error:
        print(f"rollmodel plan: {error}", file=sys.stderr)
        return 1
    _print(plans, arguments.output)
    return CHANGES if any(one.action != "none" for one in plans) else 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="rollmodel plan", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument(
        "-f", "--filename", action="append", required=True, metavar="FILE", help="YAML file, folder, or -; repeatable"
    )
    cluster.add_arguments(parser)
    before = parser.add_mutually_exclusive_group()
    before.add_argument(
        "--against", action="append", metavar="FILE", help="compare with these files instead of the cluster"
    )
    before.add_argument("--offline", action="store_true", help="as if nothing were there; no cluster is asked")
    add_output(parser, "table")
    return parser


def _sound(found: Sequence[Document]) -> list[Document]:
    """Objects of our kinds that nothing is wrong with. Raises Invalid."""
    ours = [one for one in found if one.ours and not one.rules]
    if not ours:
        raise Invalid("there is no object of rollmodel.dev in these files")
    wrong = [
        f"{one.place(path)}: {one.kind} {one.name}: {written(path)}: {told}"
        for one in ours
        for path, told in _wrong(one)
    ]
    if wrong:
        raise Invalid("\n".join(wrong))
    return ours


def _wrong(one: Document) -> Iterator[tuple[tuple[str | int, ...], str]]:
    problems = [(problem.path, problem.message) for problem in object_problems(one.body)]
    yield from problems or refused_by_operator(one.kind, one.body["spec"])


def _live(found: Sequence[Document], arguments: argparse.Namespace) -> _Live:
    if arguments.offline:
        return {}
    if arguments.against is not None:
        before = documents(arguments.against)
        return {(one.kind, one.name): one.body.get("spec") for one in before if one.kind in KINDS_OF_OURS}

    async def read(session: Session) -> _Live:
        return {(one.kind, one.name): await _spec_of(session, one) for one in found}

    namespaces = {one.namespace for one in found if one.namespace}
    if arguments.namespace is None and len(namespaces) > 1:
        raise Invalid(f"the objects are of several namespaces ({', '.join(sorted(namespaces))}): plan one at a time")
    return cluster.run(arguments.namespace or next(iter(namespaces), None), arguments.kubeconfig, read)


async def _spec_of(session: Session, one: Document) -> Mapping[str, Any] | None:
    """What is there; and the API server is asked whether it would take what comes, which changes nothing."""
    resource = resource_of(f"{one.body['apiVersion']}", one.kind)
    path = resource.path(session.namespace, one.name)
    try:
        spec: Mapping[str, Any] | None = (await session.server.request("GET", path))["spec"]
    except NotFound:
        spec = None
    query = {"fieldManager": FIELD_MANAGER, "force": "true", "dryRun": "All", "fieldValidation": "Strict"}
    meta = {key: value for key, value in one.body["metadata"].items() if key not in {"namespace", "managedFields"}}
    body = {**{key: one.body[key] for key in ("apiVersion", "kind", "spec")}, "metadata": meta}
    try:
        await session.server.request("PATCH", path, query=query, body=body, content_type=APPLY)
    except Forbidden as error:
        print(f"rollmodel plan: whether the API server takes it is not known: {plain(str(error))}", file=sys.stderr)
    return spec


def _plan(one: Document, live: _Live, namespace: str | None) -> Planned:
    where = namespace or one.namespace or "default"
    return planned(one.kind, where, one.name, live.get((one.kind, one.name)), one.body["spec"])


def _print(plans: Sequence[Planned], output: Output) -> None:
    if printed({"objects": [one.plain() for one in plans]}, output):
        return
    for one in plans:
        print("\n".join(plain(line) for line in _lines(one)))
    changed = sum(one.action != "none" for one in plans)
    print(f"{len(plans)} object{'s' if len(plans) != 1 else ''}: {changed} to change, nothing was written")


def _lines(one: Planned) -> Iterator[str]:
    done = {"create": "is created", "change": "changes", "none": "stays as it is"}[one.action]
    yield f"{one.kind} {one.namespace}/{one.name} {done}"
    yield from (f"  {note}" for note in one.notes)
    for change in one.fields:
        yield f"  {change.path}: {_value(change.before)} -> {_value(change.after)}"
    for child in one.children:
        yield f"  {_MARKS[child.action]} {child.kind} {child.name}"
        if child.action == "change":
            yield from (f"      {line}" for line in child.diff.splitlines())


def _value(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value)
