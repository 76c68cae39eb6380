"""What the page of one object consists of, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from rollmodel.api.conditions import Condition
from rollmodel.cli.common.printing.rows import age
from rollmodel.cli.dashboard.words import level_of_word

__all__ = ["Block", "Cell", "Facts", "conditions", "facts", "verdict"]

#: Labels and texts side by side.
Facts = Sequence[tuple[str, "Cell"]]


@dataclass(frozen=True, slots=True)
class Cell:
    """A text, with a colour or an address where it has one. ``href`` is below the token unless it is ``away``."""

    text: str
    level: str = ""
    href: str = ""
    away: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A table with a heading."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def facts(pairs: Iterable[tuple[str, str | Cell | None]]) -> Facts:
    """What is known; the rest is left out."""
    cells = ((label, value if isinstance(value, Cell) else Cell(value or "")) for label, value in pairs)
    return [(label, cell) for label, cell in cells if cell.text]


def verdict(word: str) -> Cell:
    """A word in its colour."""
    return Cell(word, level_of_word(word))


def conditions(found: Sequence[Condition], now: datetime) -> Block:
    """The conditions, each with how long it has been so."""
    rows = [
        [
            Cell(one.type),
            Cell(one.status),
            Cell(age(one.last_transition_time, now)),
            Cell(one.reason),
            Cell(one.message),
        ]
        for one in found
    ]
    return Block("Conditions", ("Type", "Status", "For", "Reason", "Message"), rows)
