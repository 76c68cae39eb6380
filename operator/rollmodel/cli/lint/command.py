"""``rollmodel lint``: what is wrong with manifests, without a cluster."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.text import Text

from rollmodel.api.coordination import KEY
from rollmodel.cli.common.printing.console import show
from rollmodel.cli.common.printing.output import Output, add_output, printed
from rollmodel.cli.lint.decision_time.pace import Pace, add_arguments, paces_of, too_short
from rollmodel.cli.lint.documents import Document, documents
from rollmodel.cli.lint.findings import Finding
from rollmodel.cli.lint.meaning import refused_by_operator
from rollmodel.cli.lint.objects import object_problems
from rollmodel.cli.lint.references import across, finding
from rollmodel.errors import Invalid
from rollmodel.plan.coordination.rules import parse

__all__ = ["main"]

_DESCRIPTION = (
    "Say what is wrong with manifests of ours, without a cluster: fields, bounds and rules in the words of the API"
    " server, what the operator would refuse later, and what objects say about each other."
)
_EPILOG = (
    "Objects of other kinds in the files are only looked up where ours refer to them. Decision times are medians,"
    " within a factor of 2, for requests that fail independently of each other."
)


def main(argv: Sequence[str]) -> int:
    """Run the command; 1 where something is wrong, 2 for files that cannot be used."""
    arguments = _parser().parse_args(argv)
    try:
        found = _read(arguments.files)
    except Invalid as error:
        print(f"rollmodel lint: {error}", file=sys.stderr)
        return 2
    findings, sound = _checked(found)
    paces = paces_of(sound, arguments) if arguments.rps else []
    findings += [warning for pace in paces for warning in too_short(pace)]
    findings.sort(key=lambda one: (one.place.rpartition(":")[0], _line(one)))
    _print(findings, paces, sum(document.ours for document in found), arguments.output)
    return 1 if any(one.level == "error" or arguments.strict for one in findings) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rollmodel lint", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("files", nargs="+", metavar="FILE", help="YAML file, folder, or - for standard input")
    parser.add_argument("--strict", action="store_true", help="warnings count as errors")
    add_arguments(parser)
    add_output(parser, "table")
    return parser


def _read(files: Sequence[str]) -> list[Document]:
    """The objects. A wrong path must not look like files without faults. Raises Invalid."""
    found = documents(files)
    if not any(document.ours for document in found):
        raise Invalid(f"there is no object of rollmodel.dev in {', '.join(files)}")
    return found


def _checked(found: Sequence[Document]) -> tuple[list[Finding], list[Document]]:
    """What is said about the objects, and those of ours that nothing is wrong with."""
    findings, sound = [], []
    for document in (one for one in found if one.ours):
        wrong = list(_of_one(document))
        findings += wrong
        if not wrong:
            sound += [] if document.rules else [document]
    return [*findings, *across(found, sound)], sound


def _of_one(document: Document) -> Iterator[Finding]:
    for path in document.doubled:
        yield finding("error", document, path, "is written twice: all but the last are lost")
    if document.rules:
        yield from _of_rules(document)
        return
    problems = list(object_problems(document.body))
    yield from (finding("error", document, problem.path, problem.message) for problem in problems)
    if not problems:
        for path, message in refused_by_operator(document.kind, document.body["spec"]):
            yield finding("error", document, path, message)


def _of_rules(document: Document) -> Iterator[Finding]:
    try:
        parse(document.body.get("data") or {}, cluster=True)  # of which namespace the operator is nobody knows here
    except Invalid as error:
        yield finding("error", document, ("data", KEY), str(error))


def _line(one: Finding) -> int:
    return int(one.place.rpartition(":")[2])


def _print(findings: Sequence[Finding], paces: Sequence[Pace], objects: int, output: Output) -> None:
    document: dict[str, Any] = {"findings": [asdict(one) for one in findings]}
    if paces:
        document["decisions"] = [pace.plain() for pace in paces]
    if printed(document, output):
        return
    for one in findings:
        print(f"{one.place}: {one.level}: {one.object}: {one.path}: {one.message}")
    print(_summary(findings, objects))
    for pace in paces:
        show(Text(f"\n{pace.title}"), pace.table())


def _summary(findings: Sequence[Finding], objects: int) -> str:
    errors = sum(one.level == "error" for one in findings)
    warnings = len(findings) - errors
    wrong = [_counted(number, word) for number, word in ((errors, "error"), (warnings, "warning")) if number]
    return f"{_counted(objects, 'object')}: {', '.join(wrong) or 'nothing wrong'}"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" + ("s" if number != 1 else "")
