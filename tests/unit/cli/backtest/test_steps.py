"""The steps of a replay against scripted judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from rollmodel.api.modeldeployment import Rollout
from rollmodel.cli.backtest.steps import Result, replay
from rollmodel.evidence.core.arrays import Array, Mask
from rollmodel.evidence.core.types import Outcome

U, S, H, C, N, X = (
    Outcome.UNDECIDED,
    Outcome.SAFE,
    Outcome.HARM,
    Outcome.CEILING,
    Outcome.NO_DATA,
    Outcome.SHARED_INCIDENT,
)


class Script:
    """One rollout whose judge says these things, window by window of 10 s, 100 requests each."""

    names, interval, delay = ("r",), 10.0, 0.0

    def __init__(self, says: Sequence[Outcome], below: bool = False, harms: Sequence[float] = ()) -> None:
        self.says, self.below, self.harms, self.at = says, below, harms, 0

    def observe(self, active: Mask) -> float | None:
        assert active.all()
        if self.at == len(self.says):
            return None
        self.at += 1
        return 10.0 * self.at

    def outcomes(self) -> list[Outcome]:
        return [self.says[self.at - 1] if self.says else U]

    def requests(self) -> Array:
        return np.array([[100.0], [100.0]])

    def over(self) -> Mask:
        return np.array([self.at == len(self.says)])

    def below_margin(self, run: int) -> bool:
        return self.below

    def harm(self, run: int, share: float) -> float:
        assert run == 0
        return self.harms[self.at - 1] * share

    def seen(self, run: int) -> str:
        return "seen"


def policy(*steps: Mapping[str, object], **fields: object) -> Rollout:
    return Rollout.model_validate({"steps": list(steps) or [{"weight": 5}], **fields})


def ended(script: Script, rollout: Rollout) -> tuple[str, float, str]:
    (result,) = replay(script, rollout)
    assert isinstance(result, Result)
    return result.verdict, result.seconds, result.reason.split(":")[0]


@pytest.mark.parametrize(
    ("says", "rollout", "expected"),
    [
        ([U, U, H], policy(), ("RollBack", 30, "ProvenHarmful")),
        ([U, C], policy(), ("RollBack", 20, "CeilingBroken")),
        ([S] * 9, policy(), ("Promote", 40, "ProvenSafe")),
        ([S] * 9, policy({"weight": 5}, {"weight": 50}), ("Promote", 80, "ProvenSafe")),
        ([S] * 6, policy({"weight": 5}, {"weight": 50}), ("Undecided", 60, "StepsNotDone")),
        ([S, S, S, S, S, H], policy({"weight": 5}, {"weight": 50}), ("RollBack", 60, "ProvenHarmful")),
        ([S, X, S, N, S, S], policy(), ("Promote", 50, "ProvenSafe")),
        ([S] * 9, policy({"weight": 5, "minRequests": 650}), ("Promote", 70, "ProvenSafe")),
        ([S] * 9, policy({"weight": 5, "minSeconds": 60}), ("Promote", 60, "ProvenSafe")),
        ([U] * 3, policy(), ("Undecided", 30, "NotEnoughEvidence")),
        ([U, N], policy(), ("Undecided", 20, "NoEvidence")),
        ([X], policy(), ("Undecided", 10, "SharedIncident")),
        ([], policy(), ("Undecided", 0, "NotEnoughEvidence")),
    ],
)
def test_how_rollouts_end(says: list[Outcome], rollout: Rollout, expected: tuple[str, float, str]) -> None:
    assert ended(Script(says), rollout) == expected


BUDGET = {"weight": 5, "maxSeconds": 50}


@pytest.mark.parametrize(
    ("says", "below", "undecided", "expected"),
    [
        ([U] * 9, False, "RollBack", ("RollBack", 50, "Undecided")),
        ([U] * 9, False, "Pause", ("Undecided", 90, "Paused, Undecided")),
        ([U] * 9, True, "Promote", ("Promote", 50, "UpperLimitBelowMargin")),
        ([U] * 9, False, "Promote", ("Undecided", 90, "Paused, Undecided")),
        ([U] * 6 + [S] * 3, False, "Pause", ("Undecided", 90, "Paused, Undecided")),
        ([U] * 6 + [H], False, "Pause", ("RollBack", 70, "ProvenHarmful")),
        ([N] * 6 + [U] * 2, False, "RollBack", ("RollBack", 70, "Undecided")),
    ],
)
def test_the_end_of_a_budget(says: list[Outcome], below: bool, undecided: str, expected: object) -> None:
    assert ended(Script(says, below), policy(BUDGET, onUndecided=undecided)) == expected


def test_a_failure_that_pauses_waits_for_a_person() -> None:
    assert ended(Script([U, H, H, S, S, S]), policy(onFailure="Pause")) == ("Undecided", 60, "Paused, ProvenHarmful")


def test_a_manual_pause_is_taken_as_resumed() -> None:
    steps = ({"weight": 5}, {"pause": "Manual"}, {"weight": 50})
    assert ended(Script([S] * 9), policy(*steps)) == ("Promote", 80, "ProvenSafe")


@pytest.mark.parametrize(
    ("says", "harms", "expected"),
    [
        ([S] * 12, [0] * 12, ("Promote", 120, "ProvenSafe")),
        ([U] * 11 + [S], [100] * 12, ("Promote", 120, "ProvenSafe")),
        ([U] * 12, [0] * 12, ("Undecided", 120, "NotEnoughEvidence")),
        ([U] * 5 + [H], [0] * 6, ("RollBack", 60, "ProvenHarmful")),
        ([U] * 12, [1e9] * 6 + [0] * 6, ("Undecided", 120, "NotEnoughEvidence")),
    ],
)
def test_a_ramp_goes_by_the_harm_that_is_possible(says: list[Outcome], harms: list[float], expected: object) -> None:
    ramp = Rollout.model_validate({"ramp": {"startWeight": 5, "maxWeight": 50}})
    assert ended(Script(says, harms=harms), ramp) == expected
