"""Which status can wait: only one that counts pods, and says so."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.plan.status_changes import only_progress

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
