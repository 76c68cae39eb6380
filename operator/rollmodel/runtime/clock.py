"""The real clock."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["SystemClock"]


class SystemClock:
    """Implements :class:`rollmodel.ports.Clock`."""

    def now(self) -> datetime:
        """The current time, UTC."""
        return datetime.now(UTC)
