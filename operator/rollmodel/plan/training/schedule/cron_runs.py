"""The runs of a schedule: which are active, how the others ended, and which are old enough to be deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from rollmodel.api.trainingjob import Schedule
from rollmodel.plan.decision import DeleteObject, Ref
from rollmodel.plan.training.names import FINAL_STATES
from rollmodel.plan.training.objects.scheduled import due_of

__all__ = ["Run", "active", "outdated", "runs_of"]


@dataclass(frozen=True, slots=True)
class Run:
    """One child. ``succeeded`` is None while it is active; ``leaving_since`` is set while it is being deleted.

    ``closed``: nothing is left to tell MLflow about it.
    """

    ref: Ref
    uid: str
    due: datetime | None
    created: str
    succeeded: bool | None
    leaving_since: str | None
    closed: bool
    ended: str | None
    message: str

    @property
    def name(self) -> str:
        """Name of the TrainingJob that is this run."""
        return self.ref.name

    @property
    def leaving(self) -> bool:
        """Whether it is being deleted."""
        return self.leaving_since is not None

    @property
    def deletion(self) -> DeleteObject:
        """What deletes it."""
        return DeleteObject(self.ref, self.uid)


def runs_of(children: Sequence[Mapping[str, Any]]) -> list[Run]:
    """The child TrainingJobs, oldest first."""
    runs = [_run(child) for child in children if child["kind"] == "TrainingJob"]
    return sorted(runs, key=lambda run: (run.due.timestamp() if run.due else 0.0, run.created, run.name))


def active(runs: Sequence[Run]) -> list[Run]:
    """Those that have not ended, and those that are deleted before their end and not gone yet."""
    return [run for run in runs if run.succeeded is None]


def outdated(runs: Sequence[Run], schedule: Schedule) -> Iterator[DeleteObject]:
    """The oldest ended runs beyond the limits. One whose end is not in MLflow yet stays until it is."""
    limits: dict[Literal[True, False], int] = {
        True: schedule.successful_runs_history_limit,
        False: schedule.failed_runs_history_limit,
    }
    for outcome, limit in limits.items():
        ended = [run for run in runs if run.succeeded is outcome and not run.leaving]
        yield from (run.deletion for run in ended[: max(0, len(ended) - limit)] if run.closed)


def _run(child: Mapping[str, Any]) -> Run:
    meta, status = child["metadata"], child.get("status") or {}
    condition: Mapping[str, Any] = next((c for c in status.get("conditions") or () if c["type"] == "Succeeded"), {})
    return Run(
        ref=Ref.of(child),
        uid=meta["uid"],
        due=due_of(meta["name"]),
        created=meta.get("creationTimestamp", ""),
        succeeded={"True": True, "False": False}.get(condition.get("status", "")),
        leaving_since=meta.get("deletionTimestamp"),
        closed=status.get("runId") is None or status.get("runStatus") in FINAL_STATES,
        ended=status.get("completionTime"),
        message=condition.get("message", ""),
    )
