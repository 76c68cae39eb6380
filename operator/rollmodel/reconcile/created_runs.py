"""Runs that this operator has just created: the pass after knows them, and need not search for what it made itself.

A pod waits for that pass. Where it does not come soon, or finds nothing here (another operator, a restart), the run is
searched for by its tag.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from rollmodel.plan.training.observed import TrackedRun

__all__ = ["FRESH_SECONDS", "CreatedRuns"]

#: So old may an answer be that is used in place of a new one, in seconds.
FRESH_SECONDS = 10.0


class CreatedRuns:
    """By UID of their objects. ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._made: dict[str, tuple[TrackedRun, float]] = {}

    def note(self, uid: str, run: TrackedRun) -> None:
        """It was created for this object just now."""
        self._made[uid] = run, self._clock()

    def take(self, uid: str) -> TrackedRun | None:
        """The run, once; None where there is none, or where it may look different by now."""
        run, made = self._made.pop(uid, (None, 0.0))
        return run if self._clock() - made <= FRESH_SECONDS else None

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._made.pop(uid, None)
