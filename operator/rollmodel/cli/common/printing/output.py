"""The option ``-o`` of all commands that print data, in kubectl's words."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from typing import Any

import yaml

from rollmodel.cli.common.printing.jsonpath import JsonPathError, Template, compiled

__all__ = ["Output", "add_output", "printed"]

_JSONPATH = "jsonpath="


@dataclass(frozen=True, slots=True)
class Output:
    """How to print: one of the forms of the command, or a template."""

    form: str
    template: Template | None = None


def add_output(parser: argparse.ArgumentParser, *forms: str, meaning: str = "how to print it") -> None:
    """The option. ``forms``: words beside ``yaml``, ``json`` and ``jsonpath=...``; the first is the default."""
    allowed = ", ".join([*forms, "yaml", "json", f"{_JSONPATH}TEMPLATE"])

    def output(text: str) -> Output:
        if text.startswith(_JSONPATH):
            try:
                return Output(_JSONPATH, compiled(text.removeprefix(_JSONPATH)))
            except JsonPathError as error:
                raise argparse.ArgumentTypeError(str(error)) from error
        if text not in {*forms, "yaml", "json"}:
            raise argparse.ArgumentTypeError(f"{text!r} is not one of {allowed}")
        return Output(text)

    parser.add_argument(
        "-o", "--output", type=output, default=Output(forms[0]), metavar="FORM", help=f"{meaning} ({allowed})"
    )


def printed(data: Any, output: Output) -> bool:
    """Print data as YAML, JSON or by a template, which ends as it says; False where another form is asked for."""
    if output.template is not None:
        print(output.template.render(data), end="")
    elif output.form == "json":
        print(json.dumps(data, indent=2))
    elif output.form == "yaml":
        print(yaml.safe_dump(data, sort_keys=False), end="")
    else:
        return False
    return True
