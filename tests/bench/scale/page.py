"""The figures as people read them: a table on the screen, and ``docs/benchmarks.md``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.evidence.pages.markdown import table
from tests.bench.scale.section import Section

__all__ = ["NAME", "show", "write"]

NAME = "benchmarks.md"
_TEMPLATE = Path(__file__).with_name("page.md")
_HEADER = ("Figure", "Measured", "Target", "")
_VERDICTS = {None: "", True: "met", False: "**missed**"}


def show(console: Console, section: Section) -> None:
    """One section on the screen."""
    grid = Table(*_HEADER, title=section.title)
    for row in section.rows:
        grid.add_row(row.name, row.value, row.target, _VERDICTS[row.met].strip("*"))
    console.print(grid)


def write(directory: Path, sections: Sequence[Section]) -> Path:
    """Render the page; its path. Sections of the page of before that were not measured again stay."""
    path, template = directory / NAME, _TEMPLATE.read_text(encoding="utf-8")
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    texts = _sections(before, after=template.partition("{{sections}}")[2])
    texts |= {section.title: _markdown(section).strip() for section in sections}
    path.write_text(template.replace("{{sections}}", "\n\n".join(texts.values())), encoding="utf-8")
    return path


def _sections(page: str, *, after: str) -> dict[str, str]:
    """The measured sections of a page by title, without what the template says behind them."""
    parts = page.removesuffix(after).split("\n## ")[1:]
    return {part.partition("\n")[0]: f"## {part.strip()}" for part in parts}


def _markdown(section: Section) -> str:
    rows = [(row.name, row.value, row.target, _VERDICTS[row.met]) for row in section.rows]
    made = section.conditions
    before, after = made.loads
    return (
        f"## {section.title}\n\n{table(_HEADER, rows)}\n"
        f"`{made.command}`, {made.date}, commit {made.commit}; {made.machine};"
        f" load average {before:.1f} before and {after:.1f} after.\n"
    )
