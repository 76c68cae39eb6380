"""TrainingJobs as the API server keeps them at points of their life, for the commands that show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["GATES", "SPEC", "conditions", "running", "status"]

TIME = "2026-01-01T00:00:00Z"

SPEC: Mapping[str, Any] = {
    "template": {"image": "registry.example.com/churn:1", "command": ["python", "train.py"]},
    "inputs": [{"name": "train", "uri": "models:/features@daily"}],
    "parameters": [{"name": "depth", "value": "4"}],
    "seed": 42,
    "gates": {"metrics": [{"name": "f1", "min": "0.8"}, {"name": "recall", "over": "Slices", "maxGap": "0.05"}]},
    "register": {"model": "churn"},
}

GATES: Sequence[Mapping[str, Any]] = (
    {"name": "f1", "check": "Min", "asked": "0.8", "seen": "0.83", "verdict": "Passed"},
    {
        "name": "recall",
        "check": "MaxGap",
        "asked": "0.05",
        "seen": "0.11",
        "verdict": "Failed",
        "message": "between slices 'north' and 'south'",
    },
)


def conditions(succeeded: str, reason: str, message: str = "") -> list[dict[str, Any]]:
    """What ``Succeeded`` says."""
    return [
        {
            "type": "Succeeded",
            "status": succeeded,
            "reason": reason,
            "message": message,
            "lastTransitionTime": TIME,
            "observedGeneration": 1,
        }
    ]


def running(step: int = 30, **more: Any) -> dict[str, Any]:
    """The status of a run that goes on, at this step."""
    return {
        "observedGeneration": 1,
        "conditions": conditions("Unknown", "Running", "the pods run"),
        "startTime": TIME,
        "attempts": {"started": 2, "failures": 1, "disruptions": 0, "lastFailure": "OOMKilled: exit code 137"},
        "jobName": "churn-2",
        "experimentId": "3",
        "runId": "0af7651916cd43dd8448eb211c80319c",
        "runStatus": "RUNNING",
        "inputs": [
            {"name": "train", "uri": "models:/features/7", "version": "7", "digest": f"sha256:{'ab' * 32}"},
        ],
        "progress": {"step": step, "metrics": [{"name": "loss", "value": "0.3215"}, {"name": "f1", "value": "0.81"}]},
        **more,
    }


def status(succeeded: str, reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    """The status of a run that has ended."""
    end = {
        "conditions": conditions(succeeded, reason, message),
        "completionTime": "2026-01-01T00:12:00Z",
        "runStatus": "FINISHED",
        "reproducibility": {"hash": f"sha256:{'cd' * 32}", "seed": 42},
    }
    return running(100, **{**end, **more})
