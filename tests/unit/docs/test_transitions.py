"""The tables of transitions and of faults name tests, or stories of tests, that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
README = (TESTS / "README.md").read_text(encoding="utf-8")
TABLE = README.partition("\n## Transitions\n")[2]
NAMED = sorted(set(re.findall(r"`([a-z_/]+\.py)::(\w+)`", README)))


@pytest.mark.parametrize(("path", "name"), NAMED, ids=[name for _, name in NAMED])
def test_a_test_that_is_named_exists(path: str, name: str) -> None:
    assert re.search(rf"^(async )?def {name}\(", (TESTS / path).read_text(encoding="utf-8"), re.MULTILINE)


def test_each_row_names_one() -> None:
    rows = [line for line in TABLE.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 20
    assert all("::test_" in row for row in rows)
