"""Weights of other tools as steps: they grow, and the last one is 100 % by itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["MOST_STEPS", "growing", "thinned"]

MOST_STEPS = 20


def growing(weights: Iterable[float]) -> list[dict[str, Any]]:
    """Steps of whole percents between 1 and 99, each more than the one before."""
    steps: list[dict[str, Any]] = []
    highest = 0
    for weight in weights:
        percent = round(float(weight))
        if highest < percent < 100:
            steps.append({"weight": percent})
            highest = percent
    return steps


def thinned(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """At most as many as a rollout may have, the first and the last among them."""
    if len(steps) <= MOST_STEPS:
        return steps
    places = {round(index * (len(steps) - 1) / (MOST_STEPS - 1)) for index in range(MOST_STEPS)}
    return [step for index, step in enumerate(steps) if index in places]
