"""A small world for one TrainingJob: a Job controller and MLflow in memory, operators that may be killed or look late.

Nothing survives between two passes but the status, as JSON, and what the world holds; every write checks the promises.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

from rollmodel.api.trainingjob import TrainingJobSpec, TrainingJobStatus
from rollmodel.plan.decision import (
    CreateRun,
    CreateVersion,
    Decision,
    DeleteObject,
    EmitEvent,
    Event,
    TrackingWrite,
    WriteRegistry,
)
from rollmodel.plan.training.decide import decide
from rollmodel.plan.training.observed import (
    GateFacts,
    Observed,
    TrackedRun,
    TrainingDefaults,
)
from rollmodel.plan.training.read_set import read_set

from tests.support.simulation.promises import manifests
from tests.support.simulation.trainings.job_controller import JobController, job_ended
from tests.support.simulation.trainings.specs import DEFAULTS, NAME, START, UID, spec

__all__ = ["Late", "World"]


class Late(Exception):
    """Somebody wrote the status first."""


@dataclass
class World(JobController):
    """One TrainingJob, and passes over it, beside a Job controller and MLflow."""

    spec: TrainingJobSpec = field(default_factory=spec)
    defaults: TrainingDefaults = DEFAULTS
    workloads: list[dict[str, Any]] | None = None
    """What Kueue says; None: it is not installed."""
    status: dict[str, Any] = field(default_factory=dict)
    version: int = 0
    """resourceVersion of the TrainingJob."""
    events: list[Event] = field(default_factory=list)
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
        self._land()
        self._control()

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
        return job_ended(self.objects["Job", job])

    def remove_job(self) -> None:
        """Somebody deletes the Job of the current attempt."""
        self.objects.pop(("Job", self.status.get("jobName", "")), None)

    # -- writes --------------------------------------------------------------------------------------------------------

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
        alive = [name for (kind, name), obj in self.objects.items() if kind == "Job" and not job_ended(obj)]
        assert len(alive) <= 1 or manifest["kind"] != "Job", f"two attempts at once: {alive}"

    def _create(self, write: CreateRun | CreateVersion) -> None:
        failed = isinstance(write, CreateVersion) and self.condition("GatesPassed")["status"] != "True"
        assert not failed, "a version though a gate failed"
        super()._create(write)

    def _delete(self, kind: str, name: str, uid: str) -> None:
        if self.objects.get((kind, name), {}).get("metadata", {}).get("uid") == uid:
            del self.objects[kind, name]
