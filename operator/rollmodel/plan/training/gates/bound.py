"""A limit on a number, and the result of asking it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from rollmodel.api.trainingjob import GateStatus

__all__ = ["Bound", "judged", "not_evaluated"]


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit as the spec writes it. ``sign`` and ``worse`` are how people speak of it: ``<=``, ``more than``."""

    check: Literal["Min", "Max", "MaxGap"]
    limit: str
    sign: str
    worse: str

    @property
    def asked(self) -> str:
        """The limit in the words of ``status.gates``."""
        return f"{'gap ' if self.check == 'MaxGap' else ''}{self.sign} {self.limit}"

    def holds(self, value: Decimal) -> bool:
        """Whether the value is within the limit."""
        limit = Decimal(self.limit)
        return value >= limit if self.check == "Min" else value <= limit

    def relation(self, value: Decimal) -> str:
        """How the value lies to the limit: ``not more than 0.2``."""
        return f"{'not ' if self.holds(value) else ''}{self.worse} {self.limit}"


def judged(name: str, bound: Bound, value: Decimal, seen: str, message: str) -> GateStatus:
    """Passed or failed, by the value."""
    verdict: Literal["Passed", "Failed"] = "Passed" if bound.holds(value) else "Failed"
    return GateStatus(name=name, check=bound.check, asked=bound.asked, seen=seen, verdict=verdict, message=message)


def not_evaluated(name: str, bound: Bound, message: str) -> GateStatus:
    """There is no number to compare; the message says why. Such a gate does not hold."""
    return GateStatus(name=name, check=bound.check, asked=bound.asked, verdict="NotEvaluated", message=message)
