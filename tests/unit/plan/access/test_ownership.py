"""Who controls an object, and who comes after whom."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rollmodel.plan.access.ownership import Controller, succeeds

CHURN = Controller("ml", "rollmodel.dev", "ModelDeployment", "churn", "one")


def test_a_new_object_of_the_same_name_succeeds() -> None:
    assert succeeds(replace(CHURN, uid="two"), CHURN)


@pytest.mark.parametrize(
    "other",
    [
        CHURN,
        None,
        replace(CHURN, uid="two", name="fraud"),
        replace(CHURN, uid="two", kind="TrainingJob"),
        replace(CHURN, uid="two", group="apps"),
        replace(CHURN, uid="two", namespace="team"),
    ],
)
def test_nobody_else_does(other: Controller | None) -> None:
    assert not succeeds(other, CHURN)
    assert not succeeds(CHURN, other)
