"""``docs/concepts/evidence-tables.md``: text, tables and plots put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench.evidence.pages.markdown import error
from tests.bench.evidence.pages.more_tables import MORE_TABLES
from tests.bench.evidence.pages.tables import TABLES
from tests.bench.evidence.pages.targets import healthy, misses, of
from tests.bench.evidence.records import Record
from tests.bench.evidence.setup import QUICK, Size

__all__ = ["NAME", "write"]

NAME = "evidence-tables.md"
_TEMPLATE = Path(__file__).with_name("page.md")


def write(directory: Path, records: Sequence[Record], size: Size, speed: str) -> None:
    """Render the template: ``{{name}}`` is replaced by the table of that name."""
    from tests.bench.evidence.pages import plots  # with Matplotlib, which nobody else here needs

    plots.draw(directory / "plots", records)
    text = _TEMPLATE.read_text(encoding="utf-8")
    tables: dict[str, Callable[[Sequence[Record]], str]] = {**TABLES, **MORE_TABLES}
    for name, render in tables.items():
        text = text.replace(f"{{{{{name}}}}}", render(records).rstrip())
    text = text.replace("{{misses}}", _misses(records)).replace("{{speed}}", speed.rstrip())
    quick = " --quick" if size == QUICK else ""
    text = text.replace("{{command}}", f"python -m tests.bench.evidence{quick}")
    text = text.replace("{{error}}", f"{error(0.03, size.runs):.4f}")
    text = text.replace("{{cells}}", str(len(healthy(of(records, "B1")))))
    for name in ("runs", "rival_runs", "kayenta_runs"):
        text = text.replace(f"{{{{{name}}}}}", str(getattr(size, name)))
    directory.mkdir(parents=True, exist_ok=True)
    (directory / NAME).write_text(text, encoding="utf-8")


def _misses(records: Sequence[Record]) -> str:
    found = misses(records)
    return "\n".join(f"- {line}" for line in found) if found else "None in the cells that were run."
