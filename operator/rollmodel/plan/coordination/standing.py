"""What counts of a ModelDeployment where others ask whether they may begin: read from its manifest alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any

from rollmodel.plan.manifest import Manifest
from rollmodel.plan.times import parse

__all__ = ["WAITING", "Standing", "State"]

#: The condition of an object whose rollout may not begin yet. Since when it is True is its place in the line.
WAITING = "Waiting"


class State(Enum):
    """What an object's rollout does. An installation is none: nothing serves that could be harmed."""

    REST = "Rest"
    WAITING = "Waiting"
    RUNNING = "Running"
    TAKEN_BACK = "TakenBack"


@dataclass(frozen=True, slots=True)
class Standing:
    """Of one object. ``since``: when it began to wait; None otherwise."""

    namespace: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    state: State = State.REST
    since: datetime | None = None

    @property
    def key(self) -> str:
        """``namespace/name``."""
        return f"{self.namespace}/{self.name}"

    @classmethod
    def of(cls, body: Manifest) -> Standing:
        """As its status says it."""
        meta, status = body["metadata"], body.get("status") or {}
        state = _state(body.get("spec") or {}, status)
        since = _waits_since(status) if state is State.WAITING else None
        return cls(meta["namespace"], meta["name"], meta.get("labels") or {}, state, since)

    def waiting(self, now: datetime) -> Standing:
        """With the wish to begin: since it first had that, or since now."""
        return replace(self, state=State.WAITING, since=self.since or now)

    def running(self) -> Standing:
        """With a rollout."""
        return replace(self, state=State.RUNNING, since=None)

    def at_rest(self) -> Standing:
        """Without a wish, whatever its status still says."""
        return replace(self, state=State.REST, since=None) if self.state is State.WAITING else self


def _state(spec: Mapping[str, Any], status: Mapping[str, Any]) -> State:
    if (spec.get("scale") or {}).get("replicas") == 0:  # no pods, no traffic: it may stay so for months
        return State.REST
    if status.get("candidate") and status.get("stable"):
        return State.RUNNING
    if _waits_since(status) is not None:
        return State.WAITING
    return State.TAKEN_BACK if status.get("rejected") else State.REST


def _waits_since(status: Mapping[str, Any]) -> datetime | None:
    conditions: Sequence[Mapping[str, Any]] = status.get("conditions") or ()
    found = (one for one in conditions if one["type"] == WAITING and one["status"] == "True")
    return next((parse(one["lastTransitionTime"]) for one in found), None)
