"""A schedule in memory: decisions are carried out, time passes or jumps, and runs end when the test says so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from rollmodel.api.trainingjob import TrainingJobSpec, TrainingJobStatus
from rollmodel.plan.decision import Decision, DeleteObject, EmitEvent, Event
from rollmodel.plan.times import stamp
from rollmodel.plan.training.objects.scheduled import run_name
from rollmodel.plan.training.observed import Observed, TrainingDefaults
from rollmodel.plan.training.schedule.decide import decide_schedule

from tests.support.simulation.promises import manifests

__all__ = ["HOURLY", "START", "Scheduled", "at", "hourly", "name"]

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    """A moment of the year 2026, UTC: ``03-29 01:00``."""
    return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


@dataclass
class Scheduled:
    """The parent called ``nightly``, its status as JSON, and its children by name. Deleted runs need a ``bury``."""

    schedule: dict[str, Any]
    now: datetime = START
    fields: dict[str, Any] = field(default_factory=dict)
    status: dict[str, Any] = field(default_factory=dict)
    children: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    problems: Sequence[str] = ()
    born: datetime | None = None

    def __post_init__(self) -> None:
        self.born = self.born or self.now

    def observe(self) -> Observed:
        """The look of a pass."""
        spec = {"template": {"image": "train:1"}, "schedule": self.schedule, **self.fields}
        return Observed(
            namespace="ml",
            name="nightly",
            uid="parent",
            generation=1,
            created=self.born or self.now,
            labels={},
            spec=TrainingJobSpec.model_validate(spec),
            status=TrainingJobStatus.model_validate(self.status),
            children=list(self.children.values()),
            defaults=TrainingDefaults(operator_image="operator:1"),
            now=self.now,
            problems=self.problems,
        )

    def decide(self) -> Decision:
        """One pass that writes status and says its Events, but is killed before it acts."""
        decision = decide_schedule(self.observe())
        self.status = json.loads(json.dumps(decision.status))
        self.events += [effect.event for effect in decision.of(EmitEvent)]
        return decision

    def once(self) -> Decision:
        """One whole pass."""
        decision = self.decide()
        for manifest in manifests(decision):
            self._create(manifest)
        for delete in decision.of(DeleteObject):
            self._delete(delete.ref.name)
        return decision

    def settle(self) -> Decision:
        """Passes until nothing changes."""
        for _ in range(10):
            before = json.dumps([self.status, self.children], sort_keys=True)
            decision = self.once()
            if json.dumps([self.status, self.children], sort_keys=True) == before:
                return decision
        raise AssertionError("does not come to rest")

    def jump(self, to: datetime) -> Decision:
        """Nobody looks until this moment."""
        self.now = to
        return self.settle()

    def follow(self, until: datetime) -> None:
        """An operator that is up: it looks whenever it wanted to."""
        delay = self.settle().requeue_after
        while delay is not None and self.now + timedelta(seconds=delay) <= until:
            delay = self.jump(self.now + timedelta(seconds=delay)).requeue_after
        self.now = until

    def end(self, name: str, succeeded: str = "True", *, closed: bool = True) -> None:
        """A run comes to its outcome."""
        condition = {"type": "Succeeded", "status": succeeded, "reason": "Ended", "message": "as it had to"}
        self.children[name]["status"] = {
            "conditions": [condition],
            "completionTime": stamp(self.now),
            "runId": "r1",
            "runStatus": "FINISHED" if closed else "RUNNING",
        }

    def bury(self) -> None:
        """Finalizers of deleted runs are through."""
        for name in [name for name, child in self.children.items() if "deletionTimestamp" in child["metadata"]]:
            del self.children[name]

    def active(self) -> list[str]:
        """Runs that have not ended."""
        return [name for name, child in self.children.items() if not child["status"].get("conditions")]

    def condition(self, kind: str) -> dict[str, Any]:
        """A condition of the parent."""
        return next(c for c in self.status["conditions"] if c["type"] == kind)

    def reasons(self) -> list[str]:
        """Reasons of all Events so far."""
        return [event.reason for event in self.events]

    def _create(self, manifest: Any) -> None:
        name = manifest["metadata"]["name"]
        if name not in self.children:
            self.created.append(name)
            live = json.loads(json.dumps(manifest))
            live["metadata"].update(uid=f"uid-{len(self.created)}", creationTimestamp=stamp(self.now))
            self.children[name] = {**live, "status": {}}

    def _delete(self, name: str) -> None:
        if self.children[name]["status"].get("conditions"):
            del self.children[name]
        else:
            self.children[name]["metadata"]["deletionTimestamp"] = stamp(self.now)


HOURLY = {"cron": "@hourly"}


def hourly(**schedule: Any) -> Scheduled:
    """A schedule of every hour, after its first pass; ``schedule`` are fields that differ."""
    parent = Scheduled({**HOURLY, **schedule})
    parent.settle()
    return parent


def name(text: str) -> str:
    """What the run of this minute is called."""
    return run_name("nightly", at(text))
