"""Why a rollout does not begin now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = ["NOT_ASKED", "Hold"]


@dataclass(frozen=True, slots=True)
class Hold:
    """``reason`` is a word for programs. ``until``: when the answer changes by itself; None where that is not known."""

    reason: str
    message: str
    until: datetime | None = None


#: Nobody has asked whether a rollout may begin, so none does; the next pass asks.
NOT_ASKED = Hold("NotAsked", "")
