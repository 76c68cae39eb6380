"""Waits that belong to no object: how long an operator waits before it tries or checks again."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Timing"]


@dataclass(frozen=True, slots=True)
class Timing:
    """All in seconds. The defaults are those of production; settings may shorten them."""

    claim: float = 30.0
    """How long a claim in status keeps others from creating the same run or version (ADR 4)."""
    retry: float = 15.0
    """When to ask a neighbour again that could not answer."""
    missing: float = 10.0
    """How long a Job must be missing before it counts as deleted: longer than a watch lags behind."""
    grace: float = 15.0
    """How late the Job controller may be with a deadline before the operator ends the attempt itself."""

    pending: float = 600.0
    """How long a training run may wait for its pods or the tracking server before ``Stalled`` says so."""

    @property
    def person(self) -> float:
        """Seconds until the next look at what a person has to mend, and the next try to tell the registry something."""
        return 4 * self.retry

    @property
    def write_retry(self) -> float:
        """When to try a write again that the tracking server did not take."""
        return 2 * self.retry

    @property
    def call(self) -> float:
        """How long a call to the tracking server may take: it may begin 5 s after the claim, and ends before it."""
        return self.claim - 6.0

    @property
    def last_request(self) -> float:
        """After so long a call begins no further request, so that nothing is created by a call that was given up."""
        return self.call / 2
