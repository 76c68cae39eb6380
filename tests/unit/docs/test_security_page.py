"""Each promise of the page on who trusts whom names code and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
PAGE = (REPOSITORY / "docs" / "concepts" / "security.md").read_text(encoding="utf-8")
HOLDS = PAGE.partition("## What holds")[2].partition("\n## ")[0]
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in HOLDS.splitlines() if line.startswith("| ")]
PROMISES = [row for row in ROWS if row[0] != "promise"]
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


def test_all_promises_are_read() -> None:
    assert len(PROMISES) >= 16


def test_the_first_page_says_what_is_given_away() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert "may create a ModelDeployment or a TrainingJob runs pods" in " ".join(readme.split())
    assert (REPOSITORY / "SECURITY.md").is_file()
