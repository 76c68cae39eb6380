"""What one test sees in all windows."""

from __future__ import annotations

from dataclasses import dataclass

from rollmodel.evidence.core.arrays import Array, Mask

__all__ = ["Seen"]


@dataclass(frozen=True, slots=True)
class Seen:
    """Of one test, by window: log10 p, and how large the change is."""

    log10_p: Array
    change: Array
    enough: Mask | None = None
    """Which windows can be judged, where that is not as for counts; ``rows`` are theirs."""
    rows: Array | None = None
    values: Array | None = None
    """The performance, where that is what is judged: what it is now, by window."""
    said: str = ""
    """What people should know."""
