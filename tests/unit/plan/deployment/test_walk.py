"""A pass is a line (ADR 6): each room is entered once, in one order, whatever the rollout is about."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from rollmodel.plan.deployment import advance, decide, read_state
from rollmodel.plan.deployment.analysis import run
from rollmodel.plan.deployment.objects import desired
from rollmodel.plan.deployment.status import conditions

from tests.support.recorded import Moment, moments

#: As `CONTRIBUTING.md` tells it: state from status, analyse, advance, objects, status.
ROOMS = [
    read_state.read_state,
    run.analyse,
    advance.run_to_fixpoint,
    desired.changed_objects,
    conditions.build_status,
]
#: Those that a reader of ``decide`` goes to.
OTHER_FILES = {str(path) for path in Path(decide.__file__).parent.rglob("*.py")} - {decide.__file__}
ONE_OF_EACH_STORY = {one.story: one for one in moments() if one.kind == "ModelDeployment"}


def entered(moment: Moment) -> tuple[list[str], list[str]]:
    """The rooms in the order of their entries, and the files that ``decide`` itself calls."""
    observed = moment.observed()
    codes = {room.__code__: room.__name__ for room in ROOMS}
    rooms: list[str] = []
    files: list[str] = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event != "call":
            return
        if frame.f_code in codes:
            rooms.append(codes[frame.f_code])
        file, caller = frame.f_code.co_filename, frame.f_back
        if caller is not None and caller.f_code is decide.decide.__code__ and file in OTHER_FILES:
            files.append(file)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        decide.decide(observed)
    finally:
        sys.setprofile(before)
    return rooms, files


@pytest.mark.parametrize("moment", ONE_OF_EACH_STORY.values(), ids=ONE_OF_EACH_STORY)
def test_each_room_is_entered_once(moment: Moment) -> None:
    rooms, files = entered(moment)
    assert rooms == [room.__name__ for room in ROOMS]
    left = [file for file, _ in groupby(files)]
    again = {file for file in left if left.count(file) > 1}
    assert again <= {conditions.__file__}, "what conditions say is known before what was said of them"
