"""MLflow in memory: runs, versions and aliases of one TrainingJob. A request that creates may take long."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from rollmodel.plan.decision import CreateRun, CreateVersion, LogRun, SetRunStatus, TrackingWrite, WriteRegistry
from rollmodel.plan.problem import Problem
from rollmodel.plan.training.names import OWNER_TAG
from rollmodel.plan.training.observed import MetricPoint, Observed, TrackedRun, TrackedVersion

from tests.support.simulation.trainings.specs import START, UID

__all__ = ["TrackingServer"]


@dataclass(kw_only=True)
class TrackingServer:
    """Time is ``now``; whoever lets it pass calls :meth:`_land`."""

    now: datetime = START
    mlflow_up: bool = True
    mlflow_writable: bool = True
    """Whether it keeps what is written; else it only answers."""
    flight_seconds: float = 0
    """How long a request that creates something is on its way."""
    runs: dict[str, TrackedRun] = field(default_factory=dict)
    versions: list[TrackedVersion] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)
    flying: list[tuple[datetime, CreateRun | CreateVersion]] = field(default_factory=list)

    def _land(self) -> None:
        """What was on its way and is due arrives."""
        for due, write in list(self.flying):
            if due <= self.now:
                self.flying.remove((due, write))
                self._create(write)

    def _told(self, answer: Any) -> Any:
        return answer if self.mlflow_up else Problem("Unavailable", "connection refused", transient=True)

    def _run(self, look: Observed) -> TrackedRun | None:
        if look.status.run_id is not None:
            return self.runs[look.status.run_id]
        return next((run for run in self.runs.values() if run.tags.get(OWNER_TAG) == UID), None)

    def _at_alias(self) -> TrackedVersion | None:
        at = self.aliases.get("challenger")
        return TrackedVersion("churn", at, None) if at else None

    def _log(self, value: float) -> None:
        """The training logs its metric."""
        for name, run in self.runs.items():
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
            self.versions.append(TrackedVersion(write.model, "1", write.run_id, write.tags))
