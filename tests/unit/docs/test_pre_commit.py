"""A commit is checked as `make check` does it, and editors are told what the formatter does."""

from __future__ import annotations

import configparser
import re
import tomllib
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[3]
MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")


def test_the_hook_runs_make_check_and_nothing_else() -> None:
    repos = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    (hook,) = [hook for repo in repos for hook in repo["hooks"]]
    assert [repo["repo"] for repo in repos] == ["local"], "a hook of somebody else has versions of its own"
    assert (hook["entry"], hook["pass_filenames"]) == ("make check", False)
    assert not {"files", "types", "exclude", "stages"} & set(hook), "no commit is left out"


def test_what_the_hook_says_is_what_make_check_does() -> None:
    recipe = re.search(r"^check:.*## (.*)\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert recipe is not None
    hook = (REPOSITORY / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert f"({recipe[1][0].lower()}{recipe[1][1:]})" in hook
    steps = ["ruff format --check", "ruff check", "mypy", "lint-imports", "rollmodel crds --check", "charts --check"]
    lines = recipe[2].strip().splitlines()
    assert len(lines) == len(steps)
    assert all(step in line for step, line in zip(steps, lines, strict=True))


def test_editors_are_told_what_the_formatter_does() -> None:
    told = configparser.ConfigParser()
    told.read_string("[top]\n" + (REPOSITORY / ".editorconfig").read_text(encoding="utf-8"))
    ruff = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]
    assert told["*"]["max_line_length"] == str(ruff["line-length"])
    assert (told["*"]["indent_size"], told["*"]["end_of_line"], told["*"]["insert_final_newline"]) == (
        "4",
        "lf",
        "true",
    )
