"""One column of a profile, as the model server shows it."""

from __future__ import annotations

from dataclasses import dataclass

from rollmodel.text import plain

__all__ = ["GROUPS", "Key", "Signal"]

#: Name of the signal, kind of the label, and its value.
Key = tuple[str, str, str]

GROUPS = ("null", "unseen", "all")


@dataclass(frozen=True, slots=True)
class Signal:
    """One column: the keys of its bins in order, and what the training counted in each (not cumulative)."""

    name: str
    bins: tuple[Key, ...]
    reference: tuple[float, ...]
    nulls: float
    unseen: float
    rows: float
    importance: float
    cumulative: bool

    @property
    def column(self) -> str:
        """The name of the column, for people."""
        return plain(self.name.removeprefix("feature:"))
