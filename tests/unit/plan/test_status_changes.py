"""Which status can wait: only one that counts pods, and says so."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.plan.status_changes import only_installing, only_progress

BEFORE: dict[str, Any] = {
    "replicas": 0,
    "stable": {"revision": "bbbbbbbb", "weight": 100, "readyReplicas": 1},
    "conditions": [{"type": "Ready", "status": "Unknown", "reason": "Starting", "message": "0 of 2 pods ready"}],
}


def changed(**changes: Any) -> dict[str, Any]:
    return {**BEFORE, **changes}


@pytest.mark.parametrize(
    "after",
    [
        changed(replicas=2),
        changed(stable={**BEFORE["stable"], "readyReplicas": 2}),
        changed(conditions=[{**BEFORE["conditions"][0], "message": "1 of 2 pods ready"}]),
    ],
)
def test_counts_and_sentences_can_wait(after: dict[str, Any]) -> None:
    assert only_progress(BEFORE, after)


@pytest.mark.parametrize(
    "after",
    [
        changed(stable={**BEFORE["stable"], "weight": 90}),
        changed(conditions=[{**BEFORE["conditions"][0], "reason": "Serving"}]),
        changed(conditions=[{**BEFORE["conditions"][0], "status": "True"}]),
        changed(paused="Command: paused"),
        changed(conditions=[]),
    ],
)
def test_all_else_cannot(after: dict[str, Any]) -> None:
    assert not only_progress(BEFORE, after)


INSTALLING: dict[str, Any] = {
    "candidate": {"revision": "a", "weight": 0, "readyReplicas": 0, "step": -1},
    "conditions": [
        {"type": "Ready", "status": "False", "reason": "Installing"},
        {"type": "TrafficProgrammed", "status": "Unknown", "reason": "NoServiceYet"},
    ],
}
PROGRAMMED = {"type": "TrafficProgrammed", "status": "True", "reason": "OneRevision"}
REFUSED = {"type": "TrafficProgrammed", "status": "False", "reason": "NoSuchGateway"}
STUCK = {"type": "Ready", "status": "False", "reason": "CrashLoop"}


def installing(*conditions: dict[str, Any], **candidate: Any) -> dict[str, Any]:
    """A later status of the same first revision."""
    news = {one["type"]: one for one in conditions}
    same = [news.pop(one["type"], one) for one in INSTALLING["conditions"]]
    return {"candidate": {**INSTALLING["candidate"], **candidate}, "conditions": same}


@pytest.mark.parametrize(
    ("after", "only"),
    [
        (installing(PROGRAMMED, weight=100, weightSince="2026-01-01T00:00:00Z"), True),
        (installing(PROGRAMMED, weight=100, readyReplicas=1), True),
        (installing(REFUSED), False),
        (installing(PROGRAMMED, STUCK, weight=100), False),
        (installing(PROGRAMMED, step=0), False),
        (installing(PROGRAMMED, revision="b"), False),
        ({**installing(PROGRAMMED, weight=100), "stable": {"revision": "a"}}, False),
        ({"stable": {"revision": "a"}, "conditions": []}, False),
    ],
)
def test_a_first_revision_that_comes_up_can_wait_to_be_told(after: dict[str, Any], only: bool) -> None:
    assert only_installing(INSTALLING, after) is only
    assert not only_installing({**INSTALLING, "stable": {"revision": "x"}}, {**after, "stable": {"revision": "x"}})
