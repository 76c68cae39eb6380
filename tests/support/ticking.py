"""A clock of seconds that a test moves: what is given where the code would read ``time.monotonic``."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Ticking"]


@dataclass
class Ticking:
    """``now``: in seconds."""

    now: float = 0.0

    def __call__(self) -> float:
        """The time now."""
        return self.now
