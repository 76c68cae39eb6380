"""What the demo prints off a terminal: a line per change, and few of a count that goes on."""

from __future__ import annotations

import asyncio
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from rollmodel.api.modeldeployment import ModelDeploymentStatus

from demo import watching
from demo.kubectl import Kubectl

TIME = "2026-01-01T00:00:00Z"


def judged(weight: int, window: int) -> ModelDeploymentStatus:
    said = f"v2 at {weight} %: errors undecided, learning what is normal, window {window} of 30"
    arm = {"revision": "a", "modelVersion": "2", "weight": weight, "digest": "sha256:0", "readyReplicas": 1}
    ready = {"type": "Ready", "status": "Unknown", "reason": "RollingOut", "message": said, "lastTransitionTime": TIME}
    return ModelDeploymentStatus.model_validate({"candidate": arm, "conditions": [ready]})


@pytest.mark.parametrize(
    ("statuses", "printed"),
    [
        ([judged(25, one) for one in range(5)], [0]),
        ([judged(25, 0), judged(25, 1), judged(50, 2), judged(50, 3)], [0, 2]),
    ],
    ids=["a count that goes on", "more traffic"],
)
def test_a_line_per_change(
    monkeypatch: pytest.MonkeyPatch, statuses: list[ModelDeploymentStatus], printed: list[int]
) -> None:
    output, following = StringIO(), iter(statuses)
    monkeypatch.setattr(watching, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(watching.Watcher, "status", lambda _: next(following))
    kubectl = Kubectl(Path("kubectl"), Path("kubeconfig"), "demo")
    watcher = watching.Watcher(kubectl, "m", Console(file=output, width=200), lambda: True)
    asyncio.run(watcher.until("the end", lambda status: status is statuses[-1], seconds=60))
    windows = [line.rpartition("window ")[2].split()[0] for line in output.getvalue().splitlines()]
    assert windows == [str(one) for one in printed]


def test_a_count_is_told_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    output, statuses = StringIO(), [judged(25, one) for one in range(3)]
    following = iter(statuses)
    monkeypatch.setattr(watching, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(watching, "REPEAT_SECONDS", 0.0)
    monkeypatch.setattr(watching.Watcher, "status", lambda _: next(following))
    kubectl = Kubectl(Path("kubectl"), Path("kubeconfig"), "demo")
    watcher = watching.Watcher(kubectl, "m", Console(file=output, width=200), lambda: True)
    asyncio.run(watcher.until("the end", lambda status: status is statuses[-1], seconds=60))
    assert output.getvalue().count("window") == 3
