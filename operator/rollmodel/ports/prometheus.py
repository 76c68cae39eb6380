"""Prometheus, asked over its HTTP API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Metrics", "Series"]


@dataclass(frozen=True, slots=True)
class Series:
    """One time series of a Prometheus range answer.

    ``points`` are (unix time in seconds, value), ascending, on the grid that was asked for; steps without a sample
    are absent.
    """

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]


class Metrics(Protocol):
    """Prometheus, asked over its HTTP API."""

    async def query_range(self, query: str, *, start: float, end: float, step: float) -> Sequence[Series]:
        """Evaluate at start, start + step, .. end (unix seconds).

        Raises Unavailable (unreachable, 5xx, time-out), Invalid (400, 422: the query is wrong; the message carries
        Prometheus' answer), Forbidden, Untrustworthy (the answer carries warnings, or is not a matrix).
        """
        ...
