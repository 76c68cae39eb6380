"""A ramp beside written steps: how long until a good version has all traffic, and whom a bad one hurts on its way.

``python -m tests.bench.ramps`` prints the table of ``docs/concepts/strategies.md``. Traffic is drawn at the weights
that the operator's own moves give, judged by its own judge; a new weight holds from the next window on, and the window
in which it changes is no evidence.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.cli.backtest.batch import Batch
from rollmodel.cli.backtest.counts import Counts, History
from rollmodel.evidence.core.types import Outcome
from rollmodel.plan.deployment.analysis.policy import judge_plan
from rollmodel.plan.deployment.strategies.steps.moves import DWELL_TICKS, Move, StepView, next_move
from rollmodel.plan.deployment.strategies.steps.ramp import canary_steps

__all__ = ["POLICIES", "WORLDS", "Ended", "World", "play"]

INTERVAL, HISTORY = 10.0, 360
#: Stable pods; the past is learnt from each of them.
PODS = 4
POLICIES: Mapping[str, Mapping[str, Any]] = {
    "steps 5, 25, 50 (default)": {},
    "steps 25, 50": {"steps": [{"weight": 25}, {"weight": 50}]},
    "ramp, at most 100 (default)": {"ramp": {}},
    "ramp, at most 25": {"ramp": {"maxExpectedHarm": 25}},
}


@dataclass(frozen=True, slots=True)
class World:
    """Requests per second of the model, the bad share of stable, and that of the candidate as a multiple of it."""

    rps: float
    base: float
    factor: float

    @property
    def rate(self) -> float:
        """The bad share of the candidate."""
        return min(1.0, self.base * self.factor)


#: A good version, one that is twice as bad, ten times, and one of which every request fails.
WORLDS = tuple(World(rps, 0.005, factor) for rps in (20.0, 100.0, 1000.0) for factor in (1.0, 2.0, 10.0, 200.0))


@dataclass(frozen=True, slots=True)
class Ended:
    """How one rollout ended: Promote, RollBack, or Undecided; after how long; requests that it made worse."""

    verdict: str
    seconds: float
    harmed: float


def play(world: World, rollout: Mapping[str, Any], *, runs: int, ticks: int, seed: int = 0) -> list[Ended]:
    """So many rollouts of one policy."""
    return list(_Play(world, rollout, runs, ticks, seed).run())


class _Play:
    """All runs at once: the judges are one batch, the moves each their own."""

    def __init__(self, world: World, rollout: Mapping[str, Any], runs: int, ticks: int, seed: int) -> None:
        fields: dict[str, Any] = {"model": {"uri": "models:/m/1"}, "traffic": {"parentRefs": [{"name": "public"}]}}
        spec = ModelDeploymentSpec.model_validate(
            {**fields, "rollout": rollout, "analysis": {"metrics": [{"name": "errors", "preset": "Errors"}]}}
        )
        self._world, self._policy, self._steps = world, spec.rollout, canary_steps(spec.rollout)
        self._rng, self._runs, self._ticks = np.random.default_rng(seed), runs, ticks
        self._counts = self._begun()
        self._batch = Batch([str(run) for run in range(runs)], judge_plan(spec), self._counts)
        self._step, self._since = np.zeros(runs, dtype=int), np.zeros(runs)
        self._moved, self._harmed = np.zeros(runs, dtype=bool), np.zeros(runs)

    def run(self) -> Iterator[Ended]:
        """Each rollout, as it ends."""
        active = np.ones(self._runs, dtype=bool)
        for tick in range(self._ticks):
            self._serve(tick, active)
            now = self._batch.observe(active & ~self._moved)
            assert now is not None
            self._moved[:] = False
            for run, outcome in enumerate(self._batch.outcomes()):
                verdict = self._after(run, outcome, now) if active[run] else None
                if verdict is not None:
                    active[run] = False
                    yield Ended(verdict, now, float(self._harmed[run]))
        for run in np.flatnonzero(active).tolist():
            yield Ended("Undecided", self._ticks * INTERVAL, float(self._harmed[run]))

    def _begun(self) -> Counts:
        """The past of each run's stable pods, and room for what is drawn; Batch reads the first share from it."""
        shape = (2, self._runs, self._ticks)
        total, bad = np.zeros(shape), np.zeros(shape)
        first = (self._steps[0].weight or 0) / 100
        total[0], total[1] = first, 1 - first
        past = [self._past() for _ in range(self._runs)]
        return Counts(INTERVAL, total, bad, np.zeros(shape[1:], dtype=bool), np.full(self._runs, self._ticks), past)

    def _past(self) -> History:
        total = self._rng.poisson(self._world.rps * INTERVAL / PODS, (PODS, HISTORY))
        return History(total.astype(float), self._rng.binomial(total, self._world.base).astype(float))

    def _serve(self, tick: int, active: NDArray[np.bool_]) -> None:
        share = np.array([self._steps[step].weight or 0 for step in self._step]) / 100
        requests = self._world.rps * INTERVAL
        for arm, (part, rate) in enumerate(((share, self._world.rate), (1 - share, self._world.base))):
            total = self._rng.poisson(requests * part)
            self._counts.total[arm, :, tick], self._counts.bad[arm, :, tick] = total, self._rng.binomial(total, rate)
        worse = self._counts.total[0, :, tick] * (self._world.rate - self._world.base)
        self._harmed += np.where(active, worse, 0.0)

    def _after(self, run: int, outcome: Outcome, now: float) -> str | None:
        """The verdict, if it has fallen."""
        move = self._move(run, outcome, now - float(self._since[run]))
        if move.kind == "Advance":
            if self._step[run] == len(self._steps) - 1:
                return "Promote"
            self._step[run] += move.steps
            self._since[run], self._moved[run] = now, True
            return None
        return None if move.kind == "Stay" else move.kind

    def _move(self, run: int, outcome: Outcome, seconds: float) -> Move:
        step, ramp = self._steps[self._step[run]], self._policy.ramp
        view = StepView(
            outcome,
            None,
            step=step,
            seconds=seconds,
            judged_seconds=seconds,
            least_judged_seconds=DWELL_TICKS * INTERVAL,
            harm=None if ramp is None else partial(_harm, self._batch, run),
        )
        return next_move(self._policy, view)


def _harm(batch: Batch, run: int, weight: int) -> float:
    return batch.harm(run, weight / 100)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.ramps", description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--hours", type=float, default=4.0, help="after which a rollout is left undecided")
    arguments = parser.parse_args()
    ticks = int(arguments.hours * 3600 / INTERVAL)
    print("| requests/s | candidate | policy | promoted | rolled back | median time | requests made worse |")
    print("|---:|---|---|---:|---:|---:|---:|")
    for world in WORLDS:
        for name, rollout in POLICIES.items():
            print(_row(world, name, play(world, rollout, runs=arguments.runs, ticks=ticks)), flush=True)


def _row(world: World, name: str, ended: list[Ended]) -> str:
    verdicts = [one.verdict for one in ended]
    seconds = median(one.seconds for one in ended)
    harmed = sum(one.harmed for one in ended) / len(ended)
    bad = "as good" if world.factor == 1 else f"x{world.factor:g}" if world.rate < 1 else "all fail"
    shares = (f"{100 * verdicts.count(verdict) / len(ended):.0f} %" for verdict in ("Promote", "RollBack"))
    return f"| {world.rps:g} | {bad} | {name} | {' | '.join(shares)} | {_duration(seconds)} | {harmed:.0f} |"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"


if __name__ == "__main__":
    main()
