"""Time zones by their names in the IANA database."""

from __future__ import annotations

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

__all__ = ["find_zone", "has_time_zones"]


def find_zone(name: str) -> tzinfo | None:
    """The time zone; None where nobody knows it. UTC is known without a database."""
    if name in {"Etc/UTC", "UTC"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; no key at all; a folder of the database
        return None


def has_time_zones() -> bool:
    """Whether there is a database."""
    return find_zone("Europe/Berlin") is not None
