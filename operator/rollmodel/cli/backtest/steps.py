"""What rollouts would have done with their judges' opinions: their steps, replayed over recorded traffic.

The traffic stays as it was recorded, so a step changes no weight here; what counts is the time that steps take and
what ``onFailure`` and ``onUndecided`` say. A manual pause is taken as resumed at once. ``onBlind`` is not replayed: a
record says what was counted, and not when nobody could read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from rollmodel.api.modeldeployment import OnFailure, OnUndecided, Rollout, Step
from rollmodel.evidence.core.arrays import Array, Mask
from rollmodel.evidence.core.types import Outcome
from rollmodel.plan.deployment.strategies.moves import DWELL_TICKS

__all__ = ["Judges", "Result", "replay"]

Verdict = Literal["RollBack", "Promote", "Undecided"]

_PROOFS = {Outcome.HARM: "ProvenHarmful", Outcome.CEILING: "CeilingBroken"}
_WAITING = {
    Outcome.UNDECIDED: "NotEnoughEvidence",
    Outcome.SAFE: "StepsNotDone",
    Outcome.NO_DATA: "NoEvidence",
    Outcome.SHARED_INCIDENT: "SharedIncident",
    Outcome.BIASED_SPLIT: "BiasedSplit",
}


class Judges(Protocol):
    """Judges of several rollouts with a record to go through; arrays are [rollouts]."""

    @property
    def names(self) -> Sequence[str]:
        """The rollouts."""
        ...

    @property
    def interval(self) -> float:
        """Seconds of a window."""
        ...

    @property
    def delay(self) -> float:
        """Seconds within which labels have come."""
        ...

    def observe(self, active: Mask) -> float | None:
        """Judge the next window of these; its end in seconds after the begin, None when the record is over."""
        ...

    def outcomes(self) -> Sequence[Outcome]:
        """What each says now."""
        ...

    def requests(self) -> Array:
        """Requests that the candidate answered in the last window."""
        ...

    def over(self) -> Mask:
        """Whose record ended with the last window."""
        ...

    def below_margin(self, run: int) -> bool:
        """Whether the intervals of all ratios lie below the safe margin."""
        ...

    def seen(self, run: int) -> str:
        """What was counted so far, for people."""
        ...


@dataclass(frozen=True, slots=True)
class Result:
    """How one rollout would have ended. ``seconds`` after its begin; of an undecided one, the end of its record."""

    rollout: str
    verdict: Verdict
    seconds: float
    reason: str


def replay(judges: Judges, rollout: Rollout) -> list[Result]:
    """What the policy would have decided for each rollout."""
    results = {result.rollout: result for result in _Machine(judges, rollout).run()}
    return [results[name] for name in judges.names]


class _Machine:
    """The step, its begin and its requests for each rollout."""

    def __init__(self, judges: Judges, rollout: Rollout) -> None:
        runs = len(judges.names)
        self._judges, self._policy = judges, rollout
        self._steps = [step for step in rollout.steps if step.weight is not None]
        self._budget = np.array([step.max_seconds or np.inf for step in self._steps])
        self._step = np.zeros(runs, dtype=np.int64)
        self._since, self._requests = np.zeros(runs), np.zeros(runs)
        self._paused: list[str | None] = [None] * runs
        self._active = np.ones(runs, dtype=bool)

    def run(self) -> Iterator[Result]:
        """Results in the order in which they fall."""
        now = 0.0
        while self._active.any() and (end := self._judges.observe(self._active)) is not None:
            now = end
            outcomes = self._judges.outcomes()
            self._requests += self._judges.requests()
            yield from self._decided(outcomes, now)
            yield from self._undecided(self._active & self._judges.over(), outcomes, now)
        if self._active.any():
            yield from self._undecided(self._active, self._judges.outcomes(), now)

    def _decided(self, outcomes: Sequence[Outcome], now: float) -> Iterator[Result]:
        telling = np.array([outcome in _PROOFS or outcome is Outcome.SAFE for outcome in outcomes])
        time_is_up = now - self._since >= self._budget[self._step]
        for run in np.flatnonzero(self._active & (telling | time_is_up)).tolist():
            verdict = self._move(run, outcomes[run], now)
            if verdict is not None:
                yield self._end(run, now, *verdict)

    def _undecided(self, which: Mask, outcomes: Sequence[Outcome], now: float) -> Iterator[Result]:
        for run in np.flatnonzero(which).tolist():
            yield self._end(run, now, "Undecided", self._paused[run] or _WAITING[outcomes[run]])

    def _move(self, run: int, outcome: Outcome, now: float) -> tuple[Verdict, str] | None:
        """One move as the operator would make it (:mod:`rollmodel.plan.deployment.strategies.canary`)."""
        if outcome in _PROOFS:
            if self._policy.on_failure is OnFailure.ROLL_BACK:
                return "RollBack", _PROOFS[outcome]
            self._paused[run] = f"Paused, {_PROOFS[outcome]}"
        step = self._steps[self._step[run]]
        if self._paused[run] or not self._dwelt(run, step, now):
            return None
        if outcome is Outcome.SAFE:
            return self._advance(run, now, "ProvenSafe")
        time_is_up = now - self._since[run] >= self._budget[self._step[run]]
        return self._give_up(run, now) if time_is_up and outcome is Outcome.UNDECIDED else None

    def _give_up(self, run: int, now: float) -> tuple[Verdict, str] | None:
        """What an undecided step does at the end of its time."""
        if self._policy.on_undecided is OnUndecided.ROLL_BACK:
            return "RollBack", "Undecided"
        if self._policy.on_undecided is OnUndecided.PROMOTE and self._judges.below_margin(run):
            return self._advance(run, now, "UpperLimitBelowMargin")
        self._paused[run] = "Paused, Undecided"
        return None

    def _dwelt(self, run: int, step: Step, now: float) -> bool:
        least = max(step.min_seconds or 0, DWELL_TICKS * self._judges.interval + self._judges.delay)
        return bool(now - self._since[run] >= least and self._requests[run] >= (step.min_requests or 0))

    def _advance(self, run: int, now: float, reason: str) -> tuple[Verdict, str] | None:
        if self._step[run] == len(self._steps) - 1:
            return "Promote", reason
        self._step[run] += 1
        self._since[run], self._requests[run] = now, 0.0
        return None

    def _end(self, run: int, now: float, verdict: Verdict, reason: str) -> Result:
        self._active[run] = False
        return Result(self._judges.names[run], verdict, now, f"{reason}: {self._judges.seen(run)}")
