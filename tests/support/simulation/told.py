"""What a rollout has told people so far: the status of its object, in short, and Events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rollmodel.plan.decision import Event

__all__ = ["Told"]


@dataclass(kw_only=True)
class Told:
    """``status`` is what the API server holds, as JSON."""

    status: dict[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def condition(self, kind: str) -> dict[str, Any]:
        """A condition of the status."""
        return next(c for c in self.status["conditions"] if c["type"] == kind)

    def arm(self, name: str) -> str | None:
        """The model version of an arm of the status."""
        version: str | None = self.status.get(name, {}).get("modelVersion")
        return version

    @property
    def step(self) -> int | None:
        """The candidate's step."""
        step: int | None = self.status.get("candidate", {}).get("step")
        return step

    @property
    def baseline(self) -> str:
        """The revision of the baseline; empty where there is none."""
        return str(self.status.get("baseline", {}).get("revision", ""))

    def has_weight(self) -> bool:
        """Whether the candidate is observed to have traffic."""
        return bool(self.status.get("candidate", {}).get("weight"))

    def over(self) -> bool:
        """No candidate, nothing drains."""
        return not self.status.get("candidate") and not self.status["retiring"]

    def verdicts(self) -> list[str]:
        """The history in short."""
        return [f"{entry['verdict']} v{entry.get('toVersion')}" for entry in self.status["history"]]

    def reasons(self) -> list[str]:
        """Reasons of the Events so far."""
        return [event.reason for event in self.events]
