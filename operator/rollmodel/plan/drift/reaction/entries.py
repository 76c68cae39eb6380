"""The trainings that alarms asked for, as status lists them: the newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rollmodel.api.driftpolicy import RetrainStatus, SignalStatus
from rollmodel.plan.drift.builder import DecisionBuilder
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.times import parse

__all__ = ["child_of", "conditions_of", "judge_last", "no_template", "of_episode", "put", "triggers", "update"]

_KEPT = 20


def of_episode(builder: DecisionBuilder) -> RetrainStatus | None:
    """What was asked for in the alarm that is on."""
    number = builder.status.episode.number if builder.status.episode is not None else 0
    return next((one for one in builder.status.retrains if one.episode == str(number)), None)


def put(builder: DecisionBuilder, entry: RetrainStatus) -> DecisionBuilder:
    """With this entry as the newest one, in place of what was said of its alarm."""
    others = [one for one in builder.status.retrains if one.episode != entry.episode]
    return builder.set(retrains=[entry, *others][:_KEPT])


def update(
    builder: DecisionBuilder, entry: RetrainStatus, outcome: str, message: str, **fields: Any
) -> DecisionBuilder:
    """With another outcome, and other fields."""
    told = {"outcome": outcome, "message": message or entry.message, **fields}
    new = RetrainStatus.model_validate({**dict(entry), **told})
    return builder.set(retrains=[new if one.episode == entry.episode else one for one in builder.status.retrains])


def judge_last(builder: DecisionBuilder) -> DecisionBuilder:
    """The last training did not help if its model drifted within its longest window and the cooldown.

    By when the alarm began: how long it lasts makes no training better. Data that are broken say nothing about it.
    """
    spec, last = builder.observed.spec, next((one for one in builder.status.retrains if one.training_job), None)
    episode, since = builder.status.episode, builder.status.watched_since
    if last is None or last.outcome != "Promoted" or episode is None or since is None:
        return builder
    if last.promoted_revision not in {None, builder.observed.revision}:  # somebody else's version drifted
        return builder
    if any(one.kind in spec.retrain.block_on and one.verdict == "Drifted" for one in builder.status.signals):
        return builder
    held = (parse(episode.start_time) - parse(since)).total_seconds()
    if held >= max(spec.windows) + spec.retrain.cooldown_seconds:
        return builder
    return update(builder, last, "Ineffective", f"its model drifted within {held:.0f} s")


def triggers(builder: DecisionBuilder) -> Sequence[SignalStatus]:
    """Signals that drifted and may start a training."""
    when = builder.observed.spec.retrain.when
    return [one for one in builder.status.signals if one.verdict == "Drifted" and one.kind in when]


def child_of(builder: DecisionBuilder, entry: RetrainStatus) -> Manifest | None:
    """The TrainingJob of an entry; None where it is not there."""
    named = (one for one in builder.observed.children if one["metadata"]["name"] == entry.training_job)
    return next((one for one in named if one["kind"] == "TrainingJob"), None)


def conditions_of(child: Manifest) -> Sequence[Mapping[str, Any]]:
    """Conditions of a training, as its status has them; none before the operator saw it."""
    return (child.get("status") or {}).get("conditions") or ()


def no_template(builder: DecisionBuilder) -> str:
    """Why there is nothing to copy, in words."""
    reference = builder.observed.spec.retrain.training_job_ref
    return f"there is no TrainingJob {reference.name!r}" if reference is not None else "`trainingJobRef` is not set"
