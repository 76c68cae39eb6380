"""Times as status holds them: RFC 3339, UTC, whole seconds."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["parse", "seconds_since", "stamp"]


def stamp(moment: datetime) -> str:
    """``2026-01-31T12:00:00Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(text: str) -> datetime:
    """The moment that :func:`stamp` wrote."""
    return datetime.fromisoformat(text)


def seconds_since(moment: str | None, now: datetime) -> float:
    """Seconds from ``moment`` to ``now``; 0 where there is no such moment, and where the clock went back."""
    return 0.0 if moment is None else max(0.0, (now - parse(moment)).total_seconds())
