"""A small world for one TrainingJob: a Job controller and MLflow in memory, operators that may be killed or look late.

Nothing survives between two passes but the status, as JSON, and what the world holds; every write checks the promises.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from rollmodel.api.trainingjob import TrainingJobSpec, TrainingJobStatus
from rollmodel.plan.decision import (
    CreateRun,
    CreateVersion,
    Decision,
    DeleteObject,
    EmitEvent,
    Event,
    LogRun,
    SetRunStatus,
    TrackingWrite,
    WriteRegistry,
)
from rollmodel.plan.problem import Problem
from rollmodel.plan.training.decide import decide
from rollmodel.plan.training.names import OWNER_TAG
from rollmodel.plan.training.observed import (
    GateFacts,
    MetricPoint,
    Observed,
    TrackedRun,
    TrackedVersion,
    TrainingDefaults,
)
from rollmodel.plan.training.read_set import read_set

from tests.support.simulation.promises import manifests
from tests.support.simulation.trainings.specs import DEFAULTS, NAME, START, UID, spec

__all__ = ["Behaviour", "Late", "World"]

Behaviour = Literal["good", "bad-metric", "fail", "evict", "bad-data", "hang", "sidecar"]

_CONDITIONS: dict[Behaviour, dict[str, Any]] = {
    "good": {"type": "Complete", "reason": "CompletionsReached"},
    "bad-metric": {"type": "Complete", "reason": "CompletionsReached"},
    "fail": {"type": "Failed", "reason": "BackoffLimitExceeded", "message": "limit reached"},
    "evict": {"type": "Failed", "reason": "PodFailurePolicy", "message": "matching FailJob rule at index 0"},
    "bad-data": {"type": "Failed", "reason": "PodFailurePolicy", "message": "matching FailJob rule at index 1"},
}
_RUN_SECONDS = 30


class Late(Exception):
    """Somebody wrote the status first."""


@dataclass
class World:
    """``attempts`` is how each attempt behaves; the last one goes on for all that follow."""

    spec: TrainingJobSpec = field(default_factory=spec)
    attempts: tuple[Behaviour, ...] = ("good",)
    defaults: TrainingDefaults = DEFAULTS
    now: datetime = START
    mlflow_up: bool = True
    mlflow_writable: bool = True
    """Whether it keeps what is written; else it only answers."""
    refused: str | None = None
    """Why the API server takes no pods, as the Job controller's Event says it."""
    stuck: dict[str, Any] | None = None
    """The status of pods that do not start; empty: there are none, and nobody says why."""
    workloads: list[dict[str, Any]] | None = None
    """What Kueue says; None: it is not installed."""
    flight_seconds: float = 0
    """How long a request that creates something is on its way."""
    status: dict[str, Any] = field(default_factory=dict)
    version: int = 0
    """resourceVersion of the TrainingJob."""
    objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    runs: dict[str, TrackedRun] = field(default_factory=dict)
    versions: list[TrackedVersion] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    born: dict[str, datetime] = field(default_factory=dict)
    flying: list[tuple[datetime, CreateRun | CreateVersion]] = field(default_factory=list)
    made: int = 0

    # -- looking and acting --------------------------------------------------------------------------------------------

    def observe(self, children: list[dict[str, Any]] | None = None) -> Observed:
        """What ``gather`` would hand over now; ``children`` may be an older view of them."""
        view = list(self.objects.values()) if children is None else children
        look = Observed(
            namespace="ml",
            name=NAME,
            uid=UID,
            generation=1,
            created=START,
            labels={},
            spec=self.spec,
            status=TrainingJobStatus.model_validate(json.loads(json.dumps(self.status))),
            children=json.loads(json.dumps(view)),
            defaults=self.defaults,
            now=self.now,
        )
        asked = read_set(look)
        refusals = (self.refused,) if asked.refusals and self.refused else ()
        look = replace(look, read_set=asked, pods=self._pods(look) if asked.pods else (), refusals=refusals)
        run = self._told(self._run(look)) if asked.run else None
        return replace(
            look,
            run=run,
            workloads=self.workloads if asked.workloads else None,
            gates=GateFacts({}, None, frozenset()) if asked.gates and isinstance(run, TrackedRun) else None,
            version=self._told(next(iter(self.versions), None)) if asked.version else None,
            alias_version=self._told(self._at_alias()) if asked.version else None,
        )

    def act(self, look: Observed, seen: int, killed_after: int = 1000) -> Decision:
        """Decide on this look, and carry it out if nobody wrote since; the operator dies after so many writes."""
        decision = decide(look)
        if seen != self.version:
            raise Late
        writes: list[Callable[[], None]] = []
        if decision.status != self.status:
            writes.append(partial(self._write_status, dict(decision.status)))
        writes += [partial(self._apply, manifest) for manifest in manifests(decision)]
        writes += [partial(self._delete, gone.ref.kind, gone.ref.name, gone.uid) for gone in decision.of(DeleteObject)]
        if self.mlflow_up and self.mlflow_writable:
            writes += [partial(self._move_alias, write) for write in decision.of(WriteRegistry)]
            writes += [partial(self._track, write) for write in decision.effects if isinstance(write, TrackingWrite)]
        for write in writes[:killed_after]:
            write()
        self.events += [effect.event for effect in decision.of(EmitEvent)]
        return decision

    def reconcile(self, killed_after: int = 1000) -> Decision:
        """One pass on what is there."""
        return self.act(self.observe(), self.version, killed_after)

    def advance(self, seconds: float = 5) -> None:
        """Time passes: pods start, and end."""
        self.now += timedelta(seconds=seconds)
        for due, write in list(self.flying):
            if due <= self.now:
                self.flying.remove((due, write))
                self._create(write)
        for (kind, _), obj in list(self.objects.items()):
            if kind == "Job":
                self._control(obj)

    def settle(self, limit: int = 400) -> None:
        """Pass after pass, until the run has ended and is closed."""
        for _ in range(limit):
            self.reconcile()
            if self.over and self.condition("Reconciling")["status"] == "False":
                return
            self.advance()
        raise AssertionError(f"no end: {self.condition('Succeeded')}")

    # -- what tests ask ------------------------------------------------------------------------------------------------

    def condition(self, kind: str) -> dict[str, Any]:
        """A condition of the TrainingJob; its status is None where there is none."""
        found = (one for one in self.status.get("conditions", ()) if one["type"] == kind)
        return next(found, {"status": None, "reason": None})

    @property
    def over(self) -> bool:
        """Whether the outcome is known."""
        return self.condition("Succeeded")["status"] in ("True", "False")

    @property
    def jobs(self) -> list[str]:
        """Names of the Jobs that exist."""
        return [name for kind, name in self.objects if kind == "Job"]

    def children(self) -> list[dict[str, Any]]:
        """A copy of all children as they are now."""
        copy: list[dict[str, Any]] = json.loads(json.dumps(list(self.objects.values())))
        return copy

    def ended(self, job: str) -> bool:
        """Whether this Job has ended."""
        return _ended(self.objects["Job", job])

    def remove_job(self) -> None:
        """Somebody deletes the Job of the current attempt."""
        self.objects.pop(("Job", self.status.get("jobName", "")), None)

    # -- Kubernetes ----------------------------------------------------------------------------------------------------

    def _write_status(self, status: dict[str, Any]) -> None:
        before, was_over = self.status, self.over
        outcome = self.condition("Succeeded")["status"]
        self.status, self.version = json.loads(json.dumps(status)), self.version + 1
        assert not was_over or self.condition("Succeeded")["status"] == outcome, "terminal is terminal"
        for count in ("started", "failures", "disruptions", "gpuSeconds"):
            was, is_ = (one.get("attempts", {}).get(count, 0) for one in (before, self.status))
            assert is_ >= was, f"attempts.{count} fell"

    def _apply(self, manifest: Any) -> None:
        key = manifest["kind"], manifest["metadata"]["name"]
        if manifest["kind"] == "Job":
            assert self.status["runId"] in self.runs, "a pod without a run"
            assert not self.over, "a pod after the end"
        if key in self.objects:
            self.objects[key]["spec"] |= json.loads(json.dumps(manifest["spec"]))
            return
        self.made += 1
        stored = json.loads(json.dumps(manifest))
        stored["metadata"] |= {"uid": f"uid-{self.made}", "creationTimestamp": f"{self.now:%Y-%m-%dT%H:%M:%SZ}"}
        self.objects[key] = {**stored, "status": {}}
        alive = [name for (kind, name), obj in self.objects.items() if kind == "Job" and not _ended(obj)]
        assert len(alive) <= 1 or manifest["kind"] != "Job", f"two attempts at once: {alive}"

    def _delete(self, kind: str, name: str, uid: str) -> None:
        if self.objects.get((kind, name), {}).get("metadata", {}).get("uid") == uid:
            del self.objects[kind, name]

    def _control(self, job: dict[str, Any]) -> None:
        status, uid = job["status"], job["metadata"]["uid"]
        if _ended(job):
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
            self._log("good")
        elif age >= _RUN_SECONDS and behaviour != "hang":
            when = f"{self.now:%Y-%m-%dT%H:%M:%SZ}"
            status |= {"active": 0, "ready": 0}
            status["conditions"] = [{**_CONDITIONS[behaviour], "status": "True", "lastTransitionTime": when}]
            self._log(behaviour)

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

    # -- MLflow --------------------------------------------------------------------------------------------------------

    def _told(self, answer: Any) -> Any:
        return answer if self.mlflow_up else Problem("Unavailable", "connection refused", transient=True)

    def _run(self, look: Observed) -> TrackedRun | None:
        if look.status.run_id is not None:
            return self.runs[look.status.run_id]
        return next((run for run in self.runs.values() if run.tags.get(OWNER_TAG) == UID), None)

    def _at_alias(self) -> TrackedVersion | None:
        at = self.aliases.get("challenger")
        return TrackedVersion("churn", at, None) if at else None

    def _log(self, behaviour: Behaviour) -> None:
        for name, run in self.runs.items():
            value = 0.9 if behaviour == "good" else 0.1
            self.runs[name] = replace(run, metrics={"auc": MetricPoint(value, 10, self.now.timestamp())})

    def _move_alias(self, write: WriteRegistry) -> None:
        assert write.alias is not None
        self.aliases[write.alias] = write.version

    def _track(self, write: TrackingWrite) -> None:
        match write:
            case CreateRun() | CreateVersion() if self.flight_seconds:
                self.flying.append((self.now + timedelta(seconds=self.flight_seconds), write))
            case CreateRun() | CreateVersion():
                self._create(write)
            case LogRun():
                run = self.runs[write.run_id]
                assert all(run.params.get(key, value) == value for key, value in write.params.items()), "refused"
                self.runs[write.run_id] = replace(
                    run, params={**run.params, **write.params}, tags={**run.tags, **write.tags}
                )
            case SetRunStatus():
                self.runs[write.run_id] = replace(self.runs[write.run_id], status=write.status)

    def _create(self, write: CreateRun | CreateVersion) -> None:
        if isinstance(write, CreateRun):
            assert not self.runs, "a second run"
            self.runs["run-1"] = TrackedRun("run-1", "1", "RUNNING", self.now.timestamp(), tags=write.tags)
        else:
            assert not self.versions, "a second version"
            assert self.condition("GatesPassed")["status"] == "True", "a version though a gate failed"
            self.versions.append(TrackedVersion(write.model, "1", write.run_id, write.tags))


def _ended(job: dict[str, Any]) -> bool:
    return bool(job["status"].get("conditions"))
