"""A Job controller and a kubelet in memory: Jobs of one TrainingJob, and how their pods behave."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from rollmodel.plan.training.observed import Observed

from tests.support.simulation.trainings.tracking_server import TrackingServer

__all__ = ["Behaviour", "JobController", "job_ended"]

Behaviour = Literal["good", "bad-metric", "fail", "evict", "bad-data", "hang", "sidecar"]

_CONDITIONS: dict[Behaviour, dict[str, Any]] = {
    "good": {"type": "Complete", "reason": "CompletionsReached"},
    "bad-metric": {"type": "Complete", "reason": "CompletionsReached"},
    "fail": {"type": "Failed", "reason": "BackoffLimitExceeded", "message": "limit reached"},
    "evict": {"type": "Failed", "reason": "PodFailurePolicy", "message": "matching FailJob rule at index 0"},
    "bad-data": {"type": "Failed", "reason": "PodFailurePolicy", "message": "matching FailJob rule at index 1"},
}
_RUN_SECONDS = 30


@dataclass(kw_only=True)
class JobController(TrackingServer):
    """``attempts`` is how each attempt behaves; the last one goes on for all that follow."""

    attempts: tuple[Behaviour, ...] = ("good",)
    refused: str | None = None
    """Why the API server takes no pods, as the Job controller's Event says it."""
    stuck: dict[str, Any] | None = None
    """The status of pods that do not start; empty: there are none, and nobody says why."""
    objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    born: dict[str, datetime] = field(default_factory=dict)

    def _control(self) -> None:
        """Every Job goes on."""
        for (kind, _), obj in list(self.objects.items()):
            if kind == "Job":
                self._go_on(obj)

    def _go_on(self, job: dict[str, Any]) -> None:
        status, uid = job["status"], job["metadata"]["uid"]
        if job_ended(job):
            return
        if job["spec"].get("suspend"):
            self.born.pop(uid, None)
            status.clear()
            return
        if self.refused and uid not in self.born:
            return
        if self.stuck is not None:
            status.setdefault("startTime", f"{self.now:%Y-%m-%dT%H:%M:%SZ}")
            status |= {"active": int(bool(self.stuck)), "ready": 0}
            return
        born = self.born.setdefault(uid, self.now)
        status.setdefault("startTime", f"{born:%Y-%m-%dT%H:%M:%SZ}")
        age, behaviour = (self.now - born).total_seconds(), self._behaviour(job)
        status |= {"active": 1, "ready": int(age > 0)}
        if age >= _RUN_SECONDS and behaviour == "sidecar":
            status["ready"] = 0
            self._log(0.9)
        elif age >= _RUN_SECONDS and behaviour != "hang":
            when = f"{self.now:%Y-%m-%dT%H:%M:%SZ}"
            status |= {"active": 0, "ready": 0}
            status["conditions"] = [{**_CONDITIONS[behaviour], "status": "True", "lastTransitionTime": when}]
            self._log(0.9 if behaviour == "good" else 0.1)

    def _behaviour(self, job: dict[str, Any]) -> Behaviour:
        number = int(job["metadata"]["name"].rpartition("-")[2])
        return self.attempts[min(number, len(self.attempts)) - 1]

    def _pods(self, look: Observed) -> list[dict[str, Any]]:
        job = self.objects.get(("Job", look.status.job_name or ""))
        if job is None or not job["status"].get("startTime"):
            return []
        if self.stuck is not None:
            return [{"metadata": {"name": f"{look.status.job_name}-x"}, "status": self.stuck}] if self.stuck else []
        trained: dict[str, Any] = {"name": "train", "imageID": f"r/churn@sha256:{'1' * 64}", "state": {}}
        containers = [trained]
        if self._behaviour(job) == "sidecar":
            containers.append({"name": "istio-proxy", "state": {"running": {}}})
            end = self.born[job["metadata"]["uid"]] + timedelta(seconds=_RUN_SECONDS)
            if end <= self.now:
                trained["state"] = {"terminated": {"exitCode": 0, "finishedAt": f"{end:%Y-%m-%dT%H:%M:%SZ}"}}
        return [
            {
                "metadata": {"name": f"{look.status.job_name}-x", "ownerReferences": [{"kind": "Job"}]},
                "status": {"containerStatuses": containers},
            }
        ]


def job_ended(job: dict[str, Any]) -> bool:
    """Whether this Job has ended."""
    return bool(job["status"].get("conditions"))
