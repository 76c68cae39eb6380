"""docs/reference/cli.md says what the commands take and print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.reference.cli_reference import COMMANDS_SHOWN, examples, section

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS_SHOWN)
def test_a_command_is_described_as_it_is(name: str) -> None:
    assert section(name) + "\n" in PAGE


def test_no_other_command_is_described() -> None:
    assert re.findall(r"^## rollmodel (\S+)$", PAGE, re.MULTILINE) == list(COMMANDS_SHOWN)


@pytest.mark.parametrize("block", [*examples()], ids=["get", "describe", "verify-training"])
def test_output_is_what_is_printed(block: str) -> None:
    assert block + "\n" in PAGE
