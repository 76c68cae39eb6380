"""How many trainings a rule starts: none is needed in the first 30 days, one in the next 30.

A training takes 6 hours; then the new model's profile describes the world of that hour, and all begins anew.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rollmodel.api.driftpolicy import HoldOff, Retrain
from rollmodel.evidence.core.arrays import Array

from tests.bench.drift.rules import Ours, Rule, mean_and_spread, p_below, psi_above
from tests.bench.drift.worlds import CHANGES, DAY, NOTHING, WORLDS, Change, Counts, Month, counts, profile

__all__ = ["POLICIES", "Outcome", "Policy", "storm"]

HALF, ROWS, TRAINING, QUIET = 30 * DAY, 200, 6, 30
#: Hours that are judged at once: a rule that rings all the time is asked again after each training.
_PIECE = DAY // 2


@dataclass(frozen=True, slots=True)
class Policy:
    """A rule that starts a training; ``cooldown`` in hours, and at most so many in 30 days."""

    rule: Rule
    cooldown: int = 0
    most: int = 10_000
    learns: int = 0
    """Hours after a promotion in which nothing is judged."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Trainings before and after the change, and hours from the change to the training (inf: none)."""

    before: int
    after: int
    delay: float


_RETRAIN = Retrain()

POLICIES: Mapping[str, Policy] = {
    "p < 0.05, no guard": Policy(p_below(0.05)),
    "PSI > 0.1, no guard": Policy(psi_above(0.1)),
    "PSI > 0.1, a day between two": Policy(psi_above(0.1), cooldown=DAY),
    "PSI > 0.2, no guard": Policy(psi_above(0.2)),
    "mean + 3 sd, no guard": Policy(mean_and_spread, learns=QUIET),
    "ours": Policy(
        Ours(),
        cooldown=_RETRAIN.cooldown_seconds // 3600,
        most=_RETRAIN.max_per_period,
        learns=QUIET + HoldOff().after_rollout_seconds // 3600,
    ),
}


def storm(policy: Policy, seed: int) -> Outcome:
    """60 days of one model, of which one feature moves by half a standard deviation after 30."""
    rng, world, started, begin = np.random.default_rng([seed, 2]), WORLDS["quiet"], list[int](), 0
    while True:
        edges, reference, sample = profile(rng, world, change=_after(begin))
        live, found = None, None
        while found is None and begin + (0 if live is None else len(live.bins)) < 2 * HALF:
            live = _longer(rng, edges, live, begin)
            on = policy.rule(Month(reference, live[:QUIET], live, edges, sample))
            on[: policy.learns] = False
            found = next((hour for hour in (begin + np.flatnonzero(on)).tolist() if _may(policy, started, hour)), None)
        if found is None:
            break
        started.append(found)
        begin = found + TRAINING
    before, after = [one for one in started if one < HALF], [one for one in started if one >= HALF]
    return Outcome(len(before), len(after), after[0] - HALF + 1.0 if after else math.inf)


def _after(hour: int) -> Change:
    return CHANGES["0.5 sd"] if hour >= HALF else NOTHING


def _longer(rng: np.random.Generator, edges: Array, live: Counts | None, begin: int) -> Counts:
    """With twice as many hours, but no piece is of two worlds."""
    known = 0 if live is None else len(live.bins)
    end = min(begin + max(_PIECE, 2 * known), 2 * HALF)
    if begin + known < HALF < end:
        end = HALF
    more = counts(rng, WORLDS["quiet"], edges, hours=end - begin - known, rows=ROWS, change=_after(begin + known))
    return more if live is None else live + more


def _may(policy: Policy, started: Sequence[int], hour: int) -> bool:
    recent = [one for one in started if one > hour - HALF]
    return len(recent) < policy.most and (not started or hour >= started[-1] + policy.cooldown)
