"""What holds a training back: broken data, a training that runs, too few labels, and patience."""

from __future__ import annotations

from itertools import takewhile

from rollmodel.plan.drift.builder import DecisionBuilder
from rollmodel.plan.drift.reaction.claims import ACTIVE, other_claim
from rollmodel.plan.drift.reaction.entries import of_episode
from rollmodel.plan.times import seconds_since

__all__ = ["blocked"]

#: Status has room for so many trainings at least: limits above that are taken as that.
_REMEMBERED = 10
_USELESS = ("Failed", "RolledBack", "Ineffective")


def blocked(builder: DecisionBuilder, *, person: bool = False) -> tuple[str, str] | None:
    """Reason and message where no training may start now; a person may overrule patience, and nothing else."""
    past = builder.status.retrains
    broken = [
        one
        for one in builder.status.signals
        if one.kind in builder.observed.spec.retrain.block_on and one.verdict in {"Suspected", "Drifted"}
    ]
    if broken:
        return "BrokenData", f"{broken[0].name}: {broken[0].message or 'changed'}. Bad data makes bad models"
    if any(one.outcome in ACTIVE for one in past):
        return "TrainingRuns", f"TrainingJob {past[0].training_job}"
    if (other := other_claim(builder.observed)) is not None:
        return "OtherPolicyTrains", other.message
    used = of_episode(builder)
    return None if person or (used is not None and used.training_job is not None) else _patience(builder)


def _patience(builder: DecisionBuilder) -> tuple[str, str] | None:
    """Circuit breaker, labels, cooldown and cap."""
    retrain, days = builder.observed.spec.retrain, builder.observed.spec.false_alarms.period_days
    started = [one for one in builder.status.retrains if one.training_job is not None]
    useless = list(takewhile(lambda one: one.outcome in _USELESS, started))
    if len(useless) >= min(retrain.give_up_after, _REMEMBERED):
        return "RetrainIneffective", f"the last {len(useless)} trainings did not help: only a person starts another"
    if (new := _new_labels(builder)) < retrain.min_new_labelled_rows:
        missing = retrain.min_new_labelled_rows - new
        return "TooFewLabels", f"{new} labelled rows are new since the last training: {missing} more are wanted"
    ages = [seconds_since(one.time, builder.observed.now) for one in started]
    if ages and ages[0] < retrain.cooldown_seconds:
        return "Cooldown", f"the last training began at {started[0].time}"
    if (recent := sum(age < days * 86_400 for age in ages)) >= min(retrain.max_per_period, _REMEMBERED):
        return "TooMany", f"{recent} trainings within {days} days"
    return None


def _new_labels(builder: DecisionBuilder) -> int:
    """Rows with a label that had none when the last training began. A new revision begins at 0 with its own rows."""
    last = next((one for one in builder.status.retrains if one.training_job is not None), None)
    profile = builder.status.profile
    same = last is not None and profile is not None and last.revision == profile.revision
    known = (last.labelled_rows or 0) if last is not None and same else 0
    return max(0, (builder.status.labelled_rows or 0) - known)
