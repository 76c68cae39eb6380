"""``rollmodel crds [--check] DIR``: write the CRDs and the field reference, or tell whether they are current."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from rollmodel.api.crd.definition import custom_resource_definition
from rollmodel.api.crd.kinds import KINDS
from rollmodel.api.crd.reference import reference

__all__ = ["check", "main", "write"]

_HEADER = "# Generated from operator/rollmodel/api by `python -m rollmodel crds crds`. Do not edit.\n"


def write(directory: Path) -> None:
    """Write every generated file; the same models always give the same bytes."""
    for path, text in _files(directory).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def check(directory: Path) -> list[str]:
    """One unified diff per file that is missing or differs; empty when all are current."""
    diffs = []
    for path, text in _files(directory).items():
        present = path.read_text(encoding="utf-8") if path.exists() else ""
        lines = difflib.unified_diff(
            present.splitlines(), text.splitlines(), f"{path} (present)", f"{path} (generated)", lineterm="", n=1
        )
        if present != text:
            diffs.append("\n".join(lines))
    return diffs


def main(argv: Sequence[str]) -> int:
    """The subcommand; the exit code is 1 when ``--check`` finds a difference."""
    parser = argparse.ArgumentParser(prog="rollmodel crds", description=__doc__)
    parser.add_argument("directory", metavar="DIR", type=Path)
    parser.add_argument("--check", action="store_true", help="change nothing; show differences and exit with 1")
    arguments = parser.parse_args(argv)
    if not arguments.check:
        write(arguments.directory)
        return 0
    differences = check(arguments.directory)
    sys.stdout.writelines(f"{difference}\n" for difference in differences)
    return 1 if differences else 0


def _files(directory: Path) -> Mapping[Path, str]:
    definitions = [custom_resource_definition(kind) for kind in KINDS]
    files = {
        directory / f"{definition['spec']['names']['plural']}.yaml": _HEADER
        + yaml.safe_dump(definition, width=110, allow_unicode=True)
        for definition in definitions
    }
    page = directory.absolute().parent / "docs" / "reference" / "api.md"
    # Only the source tree has the page; `rollmodel crds DIR` elsewhere writes the CRDs alone.
    return files | ({page: reference(definitions)} if page.parent.is_dir() else {})
