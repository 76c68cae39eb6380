"""CONTRIBUTING.md names files and tables: they exist, and the tables hold what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
PAGE = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
ROWS = [line.strip("|").split("|") for line in PAGE.split("## How to add")[1].split("\n\n")[2].splitlines()[2:]]


def _files(text: str) -> list[str]:
    """Paths of Python files in backticks; NAME stands for any file that is there."""
    return [path for path in re.findall(r"`([\w/.]+\.py)`", text) if "NAME" not in path]


def _found(path: str) -> list[Path]:
    tops = [REPOSITORY, REPOSITORY / "operator" / "rollmodel"]
    exact = [top / path for top in tops if (top / path).exists()]
    return exact or list((REPOSITORY / "operator" / "rollmodel").rglob(path))


@pytest.mark.parametrize("path", sorted({*_files(PAGE)}))
def test_files_exist(path: str) -> None:
    assert _found(path), f"{path} is named in CONTRIBUTING.md and does not exist"


@pytest.mark.parametrize("row", ROWS, ids=[row[0].strip() for row in ROWS])
def test_tables_are_where_the_page_says(row: list[str]) -> None:
    named = re.findall(r"`([A-Z_]{4,}|[A-Z][A-Za-z]+)`[^`;]* in (?:the table of \w+ in )?`([\w/]+\.py)`", row[2])
    assert named or "`" in row[2]
    for name, path in named:
        (file,) = _found(path)
        assert re.search(rf"\b{name}\b", file.read_text(encoding="utf-8")), f"{name} is not in {path}"


def test_a_new_one_takes_at_most_three_files() -> None:
    """All but a new kind, which is a folder in each of three rooms; its row is the last."""
    assert [row[0].split("(")[0].strip() for row in ROWS[-2:]] == ["effect", "kind"]
    for row in ROWS[:-1]:
        assert 1 <= len(_files(row[2])) <= 2, row[0]
