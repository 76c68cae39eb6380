"""An upgrade goes on where the release before stopped: it reads that release's statuses, and decides as it would have.

Recorded at commit cb8c612. Where a later change means to decide otherwise, ``python -m
tests.unit.plan.recorded.test_recorded`` writes today's decisions into the stories; what an upgrade does to objects that
exist is then the diff to review. Looks are never renewed: they are what is stored in clusters.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest
from rollmodel.api.base import ApiModel
from rollmodel.api.modeldeployment import ModelDeploymentSpec, ModelDeploymentStatus
from rollmodel.api.trainingjob import TrainingJobSpec, TrainingJobStatus
from rollmodel.evidence import judge
from rollmodel.evidence.packed import pack, unpack

from tests.support.recorded import (
    STORIES,
    Moment,
    carried_out,
    leaves,
    look_of,
    lost,
    moments,
    patched,
    plain,
    story_of,
)

MODELS: dict[str, tuple[type[ApiModel], type[ApiModel]]] = {
    "ModelDeployment": (ModelDeploymentSpec, ModelDeploymentStatus),
    "TrainingJob": (TrainingJobSpec, TrainingJobStatus),
}
MOMENTS = list(moments())
STATES = json.loads((STORIES / "evidence.json").read_text(encoding="utf-8"))

JUDGED = [one for one in MOMENTS if one.look["status"].get("judge")]

every_moment = pytest.mark.parametrize("moment", MOMENTS, ids=[f"{one.story}-{one.number}" for one in MOMENTS])


@every_moment
def test_what_was_stored_is_read_without_loss(moment: Moment) -> None:
    assert list(lost(moment.look, look_of(moment.observed()))) == []
    spec, status = MODELS[moment.kind]
    written = patched(moment.look["status"], moment.decision.get("status", {}))
    # A field that is new may have a default.
    assert list(lost(moment.look["spec"], spec.model_validate(moment.look["spec"]).to_wire())) == []
    for stored in (moment.look["status"], written):
        assert status.model_validate(stored).to_wire() == stored


@every_moment
def test_the_same_is_decided(moment: Moment) -> None:
    assert moment.decide() == moment.decision


@pytest.mark.parametrize("moment", JUDGED, ids=[f"{one.story}-{one.number}" for one in JUDGED])
def test_the_same_is_decided_where_the_state_of_the_judge_is_packed(moment: Moment) -> None:
    status = {**moment.look["status"], "judge": pack(moment.look["status"]["judge"])}
    decided = replace(moment, look={**moment.look, "status": status}).decide()
    assert carried_out({**moment.look, "status": status}, decided) == carried_out(moment.look, moment.decision)


@pytest.mark.parametrize("recorded", STATES, ids=[one["what"].partition(":")[0] for one in STATES])
def test_a_state_of_the_judge_is_understood(recorded: dict[str, Any]) -> None:
    state = judge.load(recorded["judge"])
    # The last bit of a logarithm differs between processors: numpy has code of its own for each family.
    near = {
        path: pytest.approx(one, rel=1e-12) if type(one) is float else one
        for path, one in leaves(recorded["assessment"])
    }
    assert dict(leaves(plain(judge.assess(state)))) == near
    assert judge.dump(state) == recorded["judge"] == unpack(recorded["packed"])


def test_all_that_can_be_on_its_way_is_recorded() -> None:
    """So that a story that is lost is missed."""
    conditions = {
        (moment.kind, one["type"], one["reason"]) for moment in MOMENTS for one in moment.look["status"]["conditions"]
    }
    deployment = {reason for kind, what, reason in conditions if (kind, what) == ("ModelDeployment", "Progressing")}
    assert deployment >= {"Idle", "Installing", "Judging", "Paused", "Promoting", "ScaledToZero", "WarmingUp"}
    training = {reason for kind, what, reason in conditions if (kind, what) == ("TrainingJob", "Succeeded")}
    assert training >= {"CreatingRun", "CreatingVersion", "Queued", "Retrying", "Running", "Scheduled", "Suspended"}
    arms = [arm for moment in MOMENTS for arm in moment.look["status"].get("retiring", ())]
    assert {arm["retiring"] for arm in arms} == {"Promoted", "RolledBack", "Superseded"}
    assert any(moment.look["status"].get("outbox") for moment in MOMENTS)
    assert {one["assessment"]["outcome"] for one in STATES} >= {"Harm", "NoData", "Safe", "Undecided"}


if __name__ == "__main__":
    for path, found in groupby(MOMENTS, lambda moment: moment.path):
        path.write_text(story_of(list(found)), encoding="utf-8")
