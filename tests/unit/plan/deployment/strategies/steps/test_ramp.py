"""The weights of a ramp, and how far it goes at once."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.api.modeldeployment import OnUndecided, Rollout, Step
from rollmodel.evidence.core.types import Outcome
from rollmodel.plan.deployment.strategies.steps.moves import STAY, Move, StepView, next_move
from rollmodel.plan.deployment.strategies.steps.ramp import canary_steps, climb


def ramp(**fields: Any) -> Rollout:
    return Rollout.model_validate({"ramp": fields})


def weights(policy: Rollout) -> list[int]:
    return [step.weight or 0 for step in canary_steps(policy)]


def test_the_weights_are_known_before() -> None:
    assert weights(ramp()) == [5, 6, 7, 8, 9, 10, 12, 14, 16, 19, 22, 26, 31, 37, 44, 50]
    assert weights(ramp(startWeight=1, maxWeight=3)) == [1, 2, 3]
    assert weights(ramp(startWeight=50)) == [50]
    assert weights(ramp(startWeight=40, maxWeight=50, maxStepWeight=3)) == [40, 43, 46, 49, 50]


def test_each_has_the_times_of_the_ramp() -> None:
    assert {(step.min_seconds, step.max_seconds) for step in canary_steps(ramp(minSeconds=60, maxSeconds=600))} == {
        (60, 600)
    }


def test_without_a_ramp_steps_are_as_they_are_written() -> None:
    policy = Rollout.model_validate({"steps": [{"weight": 7}]})
    assert canary_steps(policy) == [Step(weight=7)]


@pytest.mark.parametrize(
    ("weight", "bound", "reached"),
    [(5, 100, 26), (5, 13, 12), (5, 5, 5), (26, 1000, 50), (22, 1000, 44), (44, 1000, 50), (50, 1000, 50)],
)
def test_it_goes_as_far_as_harm_and_step_allow(weight: int, bound: int, reached: int) -> None:
    policy = ramp(maxExpectedHarm=bound)
    here = weights(policy).index(weight)
    assert weights(policy)[here + climb(policy, weight, harm=float)] == reached


@settings(max_examples=40, deadline=None)
@given(
    ends=st.tuples(st.integers(1, 99), st.integers(1, 99)),
    increase=st.integers(1, 98),
    bound=st.integers(1, 10_000),
    per_weight=st.floats(0, 200),
    at=st.integers(0, 99),
)
def test_no_step_is_larger_than_allowed_and_none_is_more_harmful(
    ends: tuple[int, int], increase: int, bound: int, per_weight: float, at: int
) -> None:
    low, high = sorted(ends)
    policy = ramp(startWeight=low, maxWeight=high, maxStepWeight=increase, maxExpectedHarm=bound)
    rungs = weights(policy)
    assert (rungs[0], rungs[-1]) == (low, high)
    assert all(0 < there - here <= increase for here, there in pairwise(rungs))
    here = at % len(rungs)
    further = climb(policy, rungs[here], lambda weight: per_weight * weight)
    reached = rungs[here + further]
    assert reached - rungs[here] <= increase
    assert not further or per_weight * reached <= bound
    assert further or here == len(rungs) - 1 or per_weight * rungs[here + 1] > bound


HELD: dict[str, Any] = {"pause": None, "step": Step(weight=5, max_seconds=600), "seconds": 60, "judged_seconds": 60}


@pytest.mark.parametrize(
    ("outcome", "harm", "move"),
    [
        (Outcome.UNDECIDED, 1.0, Move("Advance", "HarmBounded", 11)),
        (Outcome.SAFE, 0.0, Move("Advance", "HarmBounded", 11)),
        (Outcome.UNDECIDED, 1000.0, STAY),
        (Outcome.UNDECIDED, math.inf, STAY),
        (Outcome.NO_DATA, 1.0, STAY),
        (Outcome.SHARED_INCIDENT, 1.0, STAY),
        (Outcome.BIASED_SPLIT, 1.0, STAY),
        (Outcome.HARM, 1.0, Move("RollBack", "Failure")),
    ],
)
def test_the_moves_of_a_ramp(outcome: Outcome, harm: float, move: Move) -> None:
    assert next_move(ramp(), StepView(outcome, **HELD, harm=lambda _: harm)) == move


def test_a_ramp_is_held_as_long_as_any_step() -> None:
    view = StepView(Outcome.UNDECIDED, **{**HELD, "judged_seconds": 30}, least_judged_seconds=40, harm=lambda _: 0.0)
    assert next_move(ramp(), view) == STAY


@pytest.mark.parametrize(("undecided", "kind"), [("Pause", "Pause"), ("RollBack", "RollBack")])
def test_a_ramp_that_may_not_go_on_ends_with_its_time(undecided: str, kind: str) -> None:
    policy = Rollout(ramp=ramp().ramp, on_undecided=OnUndecided(undecided))
    view = StepView(Outcome.UNDECIDED, **{**HELD, "seconds": 600}, harm=lambda _: 1e9)
    assert next_move(policy, view) == Move(kind, "Undecided")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("outcome", "move"), [(Outcome.SAFE, Move("Advance", "ProvenSafe")), (Outcome.UNDECIDED, STAY)]
)
def test_the_last_weight_is_left_with_proof_only(outcome: Outcome, move: Move) -> None:
    view = StepView(outcome, **{**HELD, "step": Step(weight=50)}, harm=lambda _: 0.0)
    assert next_move(ramp(), view) == move
