"""Small pieces of Markdown: tables, and figures as this project writes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["MISS", "bold", "chance", "error", "seconds", "table", "times"]

#: Marks a figure that misses its target.
MISS = " (!)"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are figures."""
    line = "|".join(["---", *["---:"] * (len(header) - 1)])
    body = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return f"| {' | '.join(header)} |\n|{line}|\n{body}\n"


def chance(value: float) -> str:
    """A probability: three decimals where it is small, two otherwise."""
    return f"{value:.3f}" if value < 0.0995 else f"{value:.2f}"


def seconds(value: float | None) -> str:
    """A duration; a dash where more than half of the runs never got there."""
    return "–" if value is None else f"{value:,.0f} s"  # noqa: RUF001


def times(value: float) -> str:
    """A multiple, e.g. of the oracle's time."""
    return f"x{value:.2f}" if value < 10 else f"x{value:.0f}"


def error(rate: float, runs: int) -> float:
    """Standard error of a rate."""
    return float((max(rate, 1.0 / runs) * (1.0 - rate) / runs) ** 0.5)


def bold(text: str) -> str:
    """In bold."""
    return f"**{text}**"
