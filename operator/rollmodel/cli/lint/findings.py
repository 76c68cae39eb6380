"""What is said about a manifest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "Level", "Path", "written"]

Level = Literal["error", "warning"]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """``error``: the API server or the operator refuses it. ``warning``: it is taken, and may not be what is meant.

    ``path`` is that of the field; ``place`` is file and line.
    """

    level: Level
    place: str
    object: str
    path: str
    message: str


def written(path: Path) -> str:
    """As the API server writes it: ``spec.rollout.steps[0].weight``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")
