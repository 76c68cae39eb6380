"""Which scheduled run starts now, if any: what is due, what was missed, and what the concurrency policy says.

A run is begun in two passes. The first writes into status that this time is dealt with and which run is ``starting``;
the run is created after that, and again until it is seen. So neither two operators nor a killed one start a time twice
or lose it. A time is due once: the mark of what was dealt with (``lastScheduleTime``) never moves back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rollmodel.plan.decision import Event
from rollmodel.plan.times import parse, stamp
from rollmodel.plan.training.objects.scheduled import due_of, run_name
from rollmodel.plan.training.observed import Observed
from rollmodel.plan.training.schedule.cron import COUNTED, Timetable
from rollmodel.plan.training.schedule.cron_runs import Run, active

__all__ = ["MOST_ACTIVE", "Start", "begin", "dealt_with"]

#: As many as ``status.schedule.active`` holds.
MOST_ACTIVE = 100


@dataclass(frozen=True, slots=True)
class Start:
    """Up to when times are dealt with, the run that is to be created, and what is said about it."""

    last: datetime | None
    starting: str | None = None
    events: tuple[Event, ...] = ()

    def with_event(self, kind: str, message: str) -> Start:
        """With an Event more; only the start of a run is normal."""
        event = Event("Normal" if kind == "RunStarted" else "Warning", kind, message)
        return replace(self, events=(*self.events, event))


def dealt_with(observed: Observed, runs: Sequence[Run]) -> datetime | None:
    """The last time that had its turn. Runs show it too, where the status was lost."""
    schedule = observed.status.schedule
    known = [run.due for run in runs if run.due is not None]
    if schedule is not None and schedule.last_schedule_time is not None:
        known.append(parse(schedule.last_schedule_time))
    return max(known, default=None)


def begin(observed: Observed, runs: Sequence[Run], timetable: Timetable) -> Start:
    """What starts in this pass, or has been starting since an earlier one."""
    start = _unfinished(observed, runs)
    after = _window(observed, start.last)
    due = timetable.latest(after, observed.now)
    if due is None:
        return start
    skipped = timetable.count(after, observed.now) - 1
    if skipped:
        number = f"{COUNTED} or more" if skipped + 1 >= COUNTED else str(skipped)
        start = start.with_event(
            "RunsMissed", f"{number} times before {stamp(due)} were missed and are not made up for"
        )
    start = replace(start, last=due)
    if _late(observed, due):
        return start.with_event(
            "RunsMissed", f"the run of {stamp(due)} was missed: it is later than its starting deadline"
        )
    return _admit(observed, start, [run.name for run in active(runs)], due)


def _unfinished(observed: Observed, runs: Sequence[Run]) -> Start:
    """A run that an earlier pass began and that is not seen yet."""
    schedule, start = observed.status.schedule, Start(dealt_with(observed, runs))
    name = schedule.starting if schedule is not None else None
    due = due_of(name) if name is not None else None
    if name is None or due is None or any(run.name == name for run in runs):
        return start
    if _late(observed, due):
        return start.with_event("RunsMissed", f"{name} could not be created before its starting deadline")
    return replace(start, starting=name)


def _window(observed: Observed, last: datetime | None) -> datetime:
    """After this moment times are due: from the promised one on, so that a new line is not due in the past.

    Without a promise nothing was due until now: the schedule was suspended or made no sense.
    """
    schedule = observed.status.schedule
    if schedule is None:
        after = observed.created
    elif schedule.next_schedule_time is None:
        after = observed.now
    else:
        after = parse(schedule.next_schedule_time) - timedelta(seconds=1)
    return after if last is None else max(after, last)


def _late(observed: Observed, due: datetime) -> bool:
    schedule = observed.spec.schedule
    deadline = schedule.starting_deadline_seconds if schedule is not None else None
    return deadline is not None and observed.now - due > timedelta(seconds=deadline)


def _admit(observed: Observed, start: Start, active_names: Sequence[str], due: datetime) -> Start:
    """A due run starts, unless the policy says no. One that is still to be created counts as active."""
    policy = observed.spec.schedule.concurrency_policy if observed.spec.schedule else "Forbid"
    busy = [*active_names, *([start.starting] if start.starting else [])]
    if policy == "Forbid" and busy:
        return start.with_event("RunSkipped", f"the run of {stamp(due)} is skipped: {busy[-1]} still goes on")
    if policy == "Allow" and len(busy) >= MOST_ACTIVE:
        return start.with_event("RunSkipped", f"the run of {stamp(due)} is skipped: {len(busy)} others still go on")
    if start.starting:
        start = start.with_event("RunSkipped", f"{start.starting} could not be created before the next run was due")
    name = run_name(observed.name, due)
    instead = f" instead of {', '.join(active_names)}" if policy == "Replace" and active_names else ""
    return replace(start, starting=name).with_event("RunStarted", f"{name}, due at {stamp(due)}, starts{instead}")
