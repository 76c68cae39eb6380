"""What rollouts would have done with their judges' opinions: the operator's own moves over recorded traffic.

The traffic stays as it was recorded, so a step changes no weight here; what counts is the time that steps take (a ramp
goes by the harm that is possible at its own weights) and what ``onFailure`` and ``onUndecided`` say. A manual pause is
taken as resumed at once. ``onBlind`` is not replayed: a record says what was counted, not when nobody could read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from rollmodel.api.modeldeployment import Rollout
from rollmodel.cli.backtest.silence import Silence
from rollmodel.evidence.core.arrays import Array, Mask
from rollmodel.evidence.core.types import Outcome
from rollmodel.plan.deployment.analysis.missing.silence import SILENT
from rollmodel.plan.deployment.strategies.steps.moves import DWELL_TICKS, StepView, next_move
from rollmodel.plan.deployment.strategies.steps.ramp import canary_steps

__all__ = ["SAMPLES_LATE", "Judges", "Result", "replay"]

#: The delay that the operator waits for samples by default, in seconds.
SAMPLES_LATE = 5.0

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
        """Names of the rollouts, in the order of the table."""
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
        """Requests that candidate and stable answered in the last window: [2, rollouts]."""
        ...

    def over(self) -> Mask:
        """Whose record ended with the last window."""
        ...

    def below_margin(self, run: int) -> bool:
        """Whether the intervals of all ratios lie below the safe margin."""
        ...

    def harm(self, run: int, share: float) -> float:
        """Expected number of requests that get a worse answer at this share of all, 0 .. 1."""
        ...

    def seen(self, run: int) -> str:
        """What was counted so far, for people."""
        ...


@dataclass(frozen=True, slots=True)
class _Pause:
    """Why a rollout waits for a person: in the word of the move, and as the result says it."""

    word: str
    reason: str


@dataclass(frozen=True, slots=True)
class Result:
    """How one rollout would have ended. ``seconds`` after its begin; of an undecided one, the end of its record."""

    rollout: str
    verdict: Verdict
    seconds: float
    reason: str


def replay(judges: Judges, rollout: Rollout) -> list[Result]:
    """What the policy would have decided for each rollout."""
    results = {result.rollout: result for result in _Replay(judges, rollout).run()}
    return [results[name] for name in judges.names]


class _Replay:
    """The step, its begin and its requests for each rollout; :func:`next_move` says what each of them does."""

    def __init__(self, judges: Judges, rollout: Rollout) -> None:
        runs = len(judges.names)
        self._judges, self._policy = judges, rollout
        self._steps = [step for step in canary_steps(rollout) if step.weight is not None]
        self._budget = np.array([step.max_seconds or np.inf for step in self._steps])
        self._least_judged = DWELL_TICKS * judges.interval + judges.delay
        self._step = np.zeros(runs, dtype=np.int64)
        self._since, self._requests = np.zeros(runs), np.zeros(runs)
        self._paused: list[_Pause | None] = [None] * runs
        self._active = np.ones(runs, dtype=bool)
        self._silence = Silence(runs, judges.interval, judges.delay)
        self._silent = np.zeros(runs, dtype=bool)

    def run(self) -> Iterator[Result]:
        """Results in the order in which they fall."""
        now = 0.0
        while self._active.any() and (end := self._judges.observe(self._active)) is not None:
            now = end
            outcomes = self._judges.outcomes()
            requests = self._judges.requests()
            self._requests += requests[0]
            weights = np.array([self._steps[step].weight for step in self._step])
            self._silent = self._silence.after(requests, weights, now)
            yield from self._decided(outcomes, now)
            yield from self._undecided(self._active & self._judges.over(), outcomes, now)
        if self._active.any():
            yield from self._undecided(self._active, self._judges.outcomes(), now)

    def _decided(self, outcomes: Sequence[Outcome], now: float) -> Iterator[Result]:
        for run in np.flatnonzero(self._active & self._may_move(outcomes, now)).tolist():
            verdict = self._moved(run, outcomes[run], now)
            if verdict is not None:
                yield self._end(run, now, *verdict)

    def _may_move(self, outcomes: Sequence[Outcome], now: float) -> Mask:
        """Those that can move at all; so that few are asked at each window."""
        harmful, safe = (np.array([outcome in kind for outcome in outcomes]) for kind in (_PROOFS, {Outcome.SAFE}))
        seconds = now - self._since
        time_is_up = seconds >= self._budget[self._step]
        biased = np.array([outcome is Outcome.BIASED_SPLIT for outcome in outcomes])
        climbs = self._policy.ramp is not None and self._step < len(self._steps) - 1
        leaves = (seconds >= self._least_judged) & (safe | time_is_up | climbs)
        return np.asarray(harmful | leaves | (time_is_up & (self._silent | biased)))

    def _undecided(self, which: Mask, outcomes: Sequence[Outcome], now: float) -> Iterator[Result]:
        for run in np.flatnonzero(which).tolist():
            pause = self._paused[run]
            reason = f"Paused, {pause.reason}" if pause is not None else _WAITING[outcomes[run]]
            yield self._end(run, now, "Undecided", reason)

    def _moved(self, run: int, outcome: Outcome, now: float) -> tuple[Verdict, str] | None:
        """One move, and the verdict if it was the last one."""
        move = next_move(self._policy, self._view(run, outcome, now))
        reason = _PROOFS[outcome] if move.reason == "Failure" else move.reason
        match move.kind:
            case "Stay":
                return None
            case "RollBack":
                return "RollBack", SILENT if reason == "Undecided" and self._silent[run] else reason
            case "Pause":
                self._paused[run] = _Pause(move.reason, reason)
                return None
            case "Advance":
                return self._advanced(run, now, reason, move.steps)

    def _view(self, run: int, outcome: Outcome, now: float) -> StepView:
        """The clock of a record is that of its windows: all time at a step was judged."""
        pause, seconds = self._paused[run], now - float(self._since[run])
        return StepView(
            outcome=outcome,
            pause=pause.word if pause is not None else None,
            step=self._steps[self._step[run]],
            seconds=seconds,
            judged_seconds=seconds,
            least_judged_seconds=self._least_judged,
            requests=float(self._requests[run]),
            below_margin=lambda: self._judges.below_margin(run),
            silent=bool(self._silent[run]),
            harm=None if self._policy.ramp is None else lambda weight: self._judges.harm(run, weight / 100),
        )

    def _advanced(self, run: int, now: float, reason: str, steps: int) -> tuple[Verdict, str] | None:
        if self._step[run] == len(self._steps) - 1:
            return "Promote", reason
        self._step[run] += steps
        self._since[run], self._requests[run] = now, 0.0
        return None

    def _end(self, run: int, now: float, verdict: Verdict, reason: str) -> Result:
        self._active[run] = False
        return Result(self._judges.names[run], verdict, now, f"{reason}: {self._judges.seen(run)}")
