"""Requests that are told apart by what their clients send, not by chance."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

__all__ = ["RequestMatch"]


@dataclass(frozen=True, slots=True)
class RequestMatch:
    """Requests with this header, or with this cookie, and this value."""

    name: str
    value: str
    cookie: bool = False

    def header(self) -> dict[str, Any]:
        """The match of the Gateway API. Cookies are one header, so one of them is found by a regular expression."""
        if not self.cookie:
            return {"type": "Exact", "name": self.name, "value": self.value}
        pair = f"{re.escape(self.name)}={re.escape(self.value)}"
        return {"type": "RegularExpression", "name": "Cookie", "value": f"^(.*; *)?{pair}(;.*)?$"}

    def __str__(self) -> str:
        return f"{'cookie' if self.cookie else 'header'} {self.name}: {self.value}"
