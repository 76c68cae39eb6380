"""The second rule of ADR 6: a folder holds about a dozen files, and a package says what they have in common."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
MODULES = [
    path
    for top in ("operator", "localcluster", "charts", "demo", "tests")
    for path in sorted((REPOSITORY / top).rglob("*.py"))
]
#: About a dozen. Who needs one more finds what some of them have in common, and makes that a folder.
MOST = 15


def test_no_folder_is_crowded() -> None:
    rooms = Counter(path.parent for path in MODULES if path.name != "__init__.py")
    assert {str(room.relative_to(REPOSITORY)): count for room, count in rooms.items() if count > MOST} == {}


PACKAGES = [path for path in MODULES if path.name == "__init__.py"]


@pytest.mark.parametrize("package", PACKAGES, ids=[str(path.parent.relative_to(REPOSITORY)) for path in PACKAGES])
def test_a_package_says_what_it_is_about(package: Path) -> None:
    assert ast.get_docstring(ast.parse(package.read_text(encoding="utf-8")))
