"""One line of the doctor's answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rollmodel.errors import Forbidden, RollmodelError

__all__ = ["Check", "bad", "fine", "unknown", "warn"]

Level = Literal["ok", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, what was found, and what to do about it. ``bad``: rollouts do not work like this."""

    level: Level
    subject: str
    message: str
    advice: str = ""


def fine(subject: str, message: str) -> Check:
    """As it should be."""
    return Check("ok", subject, message)


def warn(subject: str, message: str, advice: str) -> Check:
    """It works, and could be better; or it could not be seen."""
    return Check("warn", subject, message, advice)


def bad(subject: str, message: str, advice: str) -> Check:
    """Rollouts do not work like this."""
    return Check("bad", subject, message, advice)


def unknown(subject: str, error: RollmodelError, advice: str = "") -> Check:
    """It could not be looked at. Without the right to look nothing is known to be wrong."""
    if isinstance(error, Forbidden):
        return warn(subject, f"cannot be seen with this login: {error}", "ask whoever administers the cluster")
    return bad(subject, str(error), advice)
