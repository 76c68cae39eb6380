"""What a pass over a run reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from rollmodel.plan.times import stamp
from rollmodel.plan.training.read_set import read_set

from tests.support.simulation.trainings.specs import START, job, observed, run, spec


@pytest.mark.parametrize(
    ("age", "status", "asked"),
    [
        (0.0, {}, False),
        (4.0, {}, False),
        (5.0, {}, True),
        (-3600.0, {}, True),  # a clock that is ahead hides nothing
        (1.0, {"startTime": "2026-01-01T00:00:00Z"}, True),
    ],
)
def test_of_a_job_that_its_controller_has_not_seen_yet_nothing_is_asked(
    age: float, status: dict[str, str], asked: bool
) -> None:
    begun = {**job(), "status": status}
    begun["metadata"]["creationTimestamp"] = stamp(START)
    known = {"runId": "run-1", "jobName": "churn-1", "attempts": {"started": 1}}
    look = observed(spec(), known, children=(begun,), run=run())
    wants = read_set(replace(look, now=START + timedelta(seconds=age)))
    assert (wants.pods, wants.refusals) == (asked, asked)
