"""A TrainingJob with a schedule: the parent of runs, which are TrainingJobs too. It runs nothing itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rollmodel.api.conditions import Condition, find
from rollmodel.api.trainingjob import Schedule, ScheduleStatus
from rollmodel.errors import Invalid
from rollmodel.plan.conditions import ConditionDraft, merge_conditions
from rollmodel.plan.decision import ApplyObject, Decision, DeleteObject, EmitEvent, Event
from rollmodel.plan.times import seconds_since, stamp
from rollmodel.plan.training.objects.scheduled import due_of, scheduled_run
from rollmodel.plan.training.observed import Observed
from rollmodel.plan.training.schedule.cron import Timetable
from rollmodel.plan.training.schedule.cron_runs import Run, active, outdated, runs_of
from rollmodel.plan.training.schedule.start import MOST_ACTIVE, Start, begin, dealt_with

__all__ = ["decide_schedule"]

#: Seconds until the next pass for a run that was just created, and while one that is replaced ends.
_SEEN_SECONDS, _ENDING_SECONDS = 1.0, 5.0
_SOONEST_SECONDS = 0.5
#: A clock is put right by less than this now and then; more needs a person.
_CLOCK_TOLERANCE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the parts of the decision are made from. ``next`` is None where nothing will start by itself."""

    observed: Observed
    schedule: Schedule
    runs: Sequence[Run]
    start: Start
    next: datetime | None = None
    stalled: ConditionDraft | None = None

    @property
    def waits(self) -> bool:
        """The run that starts has to wait for the end of others."""
        return self.schedule.concurrency_policy != "Allow" and bool(active(self.runs))


def decide_schedule(observed: Observed) -> Decision:
    """What should be done about the runs of a schedule. ``observed.spec.schedule`` must be set."""
    schedule = observed.spec.schedule
    if schedule is None:
        raise Invalid(f"TrainingJob {observed.name} has no schedule")
    plan = _plan(observed, schedule)
    status = observed.status.model_copy(
        update={
            "observed_generation": observed.generation,
            "conditions": merge_conditions(
                observed.status.conditions, _lines(plan), generation=observed.generation, now=observed.now
            ),
            "schedule": _status(plan),
        }
    )
    starting = due_of(plan.start.starting) if plan.start.starting else None
    events = (*plan.start.events, *_ends(plan), *_turns(observed.status.conditions, status.conditions))
    starts = (ApplyObject(scheduled_run(observed, starting)),) if starting and not plan.waits else ()
    return Decision(
        status=status.to_wire(),
        effects=(*starts, *_replaced(plan), *outdated(plan.runs, schedule), *map(EmitEvent, events)),
        requeue_after=_requeue(plan),
    )


def _plan(observed: Observed, schedule: Schedule) -> _Plan:
    runs = runs_of(observed.children)
    at_rest = _Plan(observed, schedule, runs, Start(dealt_with(observed, runs)))
    try:
        timetable = Timetable.of(schedule, observed.now)
    except Invalid as error:
        return _Plan(observed, schedule, runs, at_rest.start, stalled=ConditionDraft("True", error.reason, str(error)))
    if observed.spec.suspend is not None:
        return at_rest
    start = begin(observed, runs, timetable)
    coming = timetable.next(max(observed.now, start.last or observed.now))
    return _Plan(observed, schedule, runs, start, coming, _needs_person(observed, start.last, runs))


def _needs_person(observed: Observed, last: datetime | None, runs: Sequence[Run]) -> ConditionDraft | None:
    if observed.problems:
        return ConditionDraft("True", "Refused", "; ".join(observed.problems))
    if last is not None and last - observed.now > _CLOCK_TOLERANCE:
        message = (
            f"the last run was due at {stamp(last)}, which the clock has yet to reach, so nothing starts before:"
            " where the clock was wrong then and is right now, create the TrainingJob anew"
        )
        return ConditionDraft("True", "ClockWentBack", message)
    patience = observed.defaults.timing.pending
    stuck = [run for run in active(runs) if run.leaving and _age(observed, run.leaving_since) >= patience]
    if stuck:
        message = (
            f"{stuck[0].name} has been deleted for more than {patience:.0f} s and is still there, so no other starts:"
            " somebody's finalizer holds it (`metadata.finalizers`)"
        )
        return ConditionDraft("True", "RunNotDeleted", message)
    return None


def _age(observed: Observed, moment: str | None) -> float:
    return seconds_since(moment, observed.now) if moment else 0.0


def _replaced(plan: _Plan) -> Iterator[DeleteObject]:
    """Active runs that the one that starts replaces."""
    if plan.start.starting is not None and plan.schedule.concurrency_policy == "Replace":
        yield from (run.deletion for run in active(plan.runs) if not run.leaving)


def _status(plan: _Plan) -> ScheduleStatus:
    before = plan.observed.status.schedule
    ends = [run.ended for run in plan.runs if run.succeeded and run.ended]
    if before is not None and before.last_successful_time is not None:
        ends.append(before.last_successful_time)
    return ScheduleStatus(
        last_schedule_time=stamp(plan.start.last) if plan.start.last else None,
        last_successful_time=max(ends, default=None),
        next_schedule_time=stamp(plan.next) if plan.next else None,
        starting=plan.start.starting,
        active=[run.name for run in active(plan.runs)][:MOST_ACTIVE],
    )


def _lines(plan: _Plan) -> dict[str, ConditionDraft]:
    starting = plan.start.starting
    if plan.stalled is not None:
        doing = ConditionDraft("Unknown", plan.stalled.reason, plan.stalled.message)
    elif plan.observed.spec.suspend is not None:
        doing = ConditionDraft("Unknown", "Suspended", f"nothing new starts while `suspend` is set{_about_runs(plan)}")
    elif starting is not None:
        others = ", ".join(run.name for run in active(plan.runs))
        doing = ConditionDraft(
            "Unknown", "Starting", f"{starting} {f'waits for the end of {others}' if plan.waits else 'starts'}"
        )
    else:
        doing = ConditionDraft(
            "Unknown", "Scheduled", f"the next run is due at {_status(plan).next_schedule_time}{_about_runs(plan)}"
        )
    moving = plan.stalled is None and starting is not None
    return {
        "Succeeded": doing,
        "Reconciling": ConditionDraft("True" if moving else "False", doing.reason, doing.message),
        "Stalled": plan.stalled or ConditionDraft("False", "NothingWrong"),
    }


def _about_runs(plan: _Plan) -> str:
    """Which runs are active, and how the last one ended."""
    active_names = ", ".join(run.name for run in active(plan.runs))
    ended = [run for run in plan.runs if run.succeeded is not None]
    last = f"; {ended[-1].name} {'succeeded' if ended[-1].succeeded else 'failed'}" if ended else ""
    return f"{f'; {active_names} goes on' if active_names else ''}{last}"


def _ends(plan: _Plan) -> Iterator[Event]:
    """Runs that were active in the pass before and have ended since."""
    before = plan.observed.status.schedule
    went_on = set(before.active) if before is not None else set()
    for run in plan.runs:
        if run.name in went_on and run.succeeded is not None:
            message = f"{run.name}: {run.message}"
            yield Event("Normal", "RunSucceeded", message) if run.succeeded else Event("Warning", "RunFailed", message)


def _turns(before: Sequence[Condition], after: Sequence[Condition]) -> Iterator[Event]:
    """Something became wrong or right, or the schedule was suspended or resumed."""
    was, is_ = find(before, "Stalled"), find(after, "Stalled")
    if is_ is not None and is_.status == "True" and (was is None or (was.status, was.reason) != ("True", is_.reason)):
        yield Event("Warning", is_.reason, is_.message)
    old, new = find(before, "Succeeded"), find(after, "Succeeded")
    suspended_before = old is not None and old.reason == "Suspended"
    if new is not None and (new.reason == "Suspended") != suspended_before:
        yield Event("Normal", "Resumed" if suspended_before else "Suspended", new.message)


def _requeue(plan: _Plan) -> float | None:
    """Seconds until the next run is due, or the one that starts should be there."""
    due = [] if plan.next is None else [(plan.next - plan.observed.now).total_seconds()]
    if plan.start.starting is not None:
        due.append(_ENDING_SECONDS if plan.waits else _SEEN_SECONDS)
    return max(_SOONEST_SECONDS, min(due)) if due else None
