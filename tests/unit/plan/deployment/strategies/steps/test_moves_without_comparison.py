"""A step that nothing more can be known about ends with its time, and never well."""

from __future__ import annotations

import pytest
from rollmodel.api.modeldeployment import OnUndecided, Rollout, Step
from rollmodel.evidence.core.types import Outcome
from rollmodel.plan.deployment.strategies.steps.moves import STAY, Move, StepView, next_move

ENDS = [
    (OnUndecided.PAUSE, Move("Pause", "Undecided")),
    (OnUndecided.ROLL_BACK, Move("RollBack", "Undecided")),
    (OnUndecided.PROMOTE, Move("Pause", "Undecided")),
]
VIEWS = [
    StepView(Outcome.BIASED_SPLIT, None, below_margin=lambda: True),
    StepView(Outcome.NO_DATA, None, silent=True, below_margin=lambda: True),
]


@pytest.mark.parametrize("view", VIEWS, ids=["biased", "silent"])
@pytest.mark.parametrize(("policy", "move"), ENDS)
def test_it_ends_with_its_time(view: StepView, policy: OnUndecided, move: Move) -> None:
    rollout, step = Rollout(on_undecided=policy), Step(weight=25, max_seconds=600, min_requests=1000)
    at = {field: getattr(view, field) for field in ("outcome", "pause", "silent", "below_margin")}
    assert next_move(rollout, StepView(**at, step=step, seconds=599)) == STAY
    assert next_move(rollout, StepView(**at, step=step, seconds=600)) == move
    assert next_move(rollout, StepView(**at, step=Step(weight=25), seconds=1e9)) == STAY


def test_a_night_does_not_end_it() -> None:
    step = Step(weight=25, max_seconds=600)
    view = StepView(Outcome.NO_DATA, None, step=step, seconds=6000, judged_seconds=6000)
    assert next_move(Rollout(on_undecided=OnUndecided.ROLL_BACK), view) == STAY
