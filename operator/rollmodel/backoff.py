"""Waiting times between failed attempts: growing, capped, and spread out so that many do not march in step."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

__all__ = ["Backoff", "spread"]


def spread(seconds: float, *, by: float = 0.1) -> float:
    """``seconds``, more or less by up to the fraction ``by``, at random."""
    return seconds * random.uniform(1 - by, 1 + by)  # noqa: S311 - to avoid a thundering herd, not for secrecy


@dataclass(slots=True)
class Backoff:
    """Exponential backoff: ``first``, 2 x first, 4 x first, .. at most ``cap`` seconds.

    Each wait is longer or shorter by up to the fraction ``jitter``.
    """

    first: float = 1.0
    cap: float = 300.0
    jitter: float = 0.25
    failures: int = field(default=0, init=False)

    def next(self) -> float:
        """Count a failure and give the seconds to wait before the next attempt."""
        delay = min(self.cap, self.first * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return min(self.cap, spread(delay, by=self.jitter))

    def reset(self) -> None:
        """An attempt succeeded: start small again."""
        self.failures = 0
