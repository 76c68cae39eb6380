"""Each promise of the page on who trusts whom names code and tests that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
PAGE = (REPOSITORY / "docs" / "concepts" / "security.md").read_text(encoding="utf-8")


def _rows(title: str) -> list[list[str]]:
    """The rows of the table below a title."""
    lines = PAGE.partition(f"## {title}")[2].partition("\n## ")[0].splitlines()
    table = [line for line in lines if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[2:]]


PROMISES = _rows("What holds")
ATTACKS = _rows("Attacks that were tried")
SOURCES = REPOSITORY / "operator" / "rollmodel"


@pytest.mark.parametrize("row", PROMISES, ids=[row[0][:40] for row in PROMISES])
def test_a_promise_names_its_tests(row: list[str]) -> None:
    assert len(row) == 3
    tests = re.findall(r"`(tests/[^`]+)`", row[2])
    assert tests
    for name in tests:
        assert "def test_" in (REPOSITORY / name).read_text(encoding="utf-8"), name


@pytest.mark.parametrize("row", PROMISES, ids=[row[0][:40] for row in PROMISES])
def test_the_code_that_it_names_exists(row: list[str]) -> None:
    for name in re.findall(r"`([a-z_*/]+\.py)`", row[1]):
        assert list(SOURCES.glob(name)), name


def _played(cell: str) -> Iterator[tuple[str, str]]:
    """File and test of each attack; a name alone is of the file before it."""
    path = ""
    for file, name in re.findall(r"`([^`:]*)::(test_\w+)`", cell):
        path = file or path
        yield path, name


@pytest.mark.parametrize("row", ATTACKS, ids=[row[0][:40] for row in ATTACKS])
def test_an_attack_names_the_test_that_plays_it(row: list[str]) -> None:
    assert len(row) == 2
    found = list(_played(row[1]))
    assert len(found) == row[1].count("::")
    assert found
    for path, name in found:
        assert re.search(rf"^ *(async )?def {name}\(", (REPOSITORY / path).read_text(encoding="utf-8"), re.MULTILINE), (
            name
        )


def test_all_promises_are_read() -> None:
    assert len(ATTACKS) >= 24
    assert len(PROMISES) >= 16


def test_the_first_page_says_what_is_given_away() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert "may create a ModelDeployment or a TrainingJob runs pods" in " ".join(readme.split())
    assert (REPOSITORY / "SECURITY.md").is_file()
