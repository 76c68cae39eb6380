"""What the package imports is what it says that it needs."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

#: What belongs to another package, and comes in the version that it wants.
PART_OF = {"pydantic_core": "pydantic", "pandas": "mlflow", "pyarrow": "mlflow", "google": "protobuf"}
REPOSITORY = Path(__file__).parents[2]


def imported() -> Iterator[str]:
    """Names of all modules that are imported."""
    for path in (REPOSITORY / "operator" / "rollmodel").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module


def declared() -> set[str]:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["serving"]]
    return {_plain(re.split(r"[^A-Za-z0-9_.-]", one)[0]) for one in asked}


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def test_every_import_is_declared() -> None:
    distributions, needed = packages_distributions(), declared()
    missing = set()
    for module in imported():
        top = module.partition(".")[0]
        found = [PART_OF[top]] if top in PART_OF else distributions.get(top, [top])
        names = {_plain(one) for one in found}
        if top not in {*sys.stdlib_module_names, "rollmodel"} and not names & needed:
            missing.add(top)
    assert missing == set()
