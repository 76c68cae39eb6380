"""What an alarm leads to: a training that is suggested, asked for or started, and what holds that back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from rollmodel.api.commands import CommandStatus
from rollmodel.api.driftpolicy import RetrainStatus, SignalStatus
from rollmodel.plan.deployment.strategies.commands import ANNOTATION, asked
from rollmodel.plan.drift.draft import Draft
from rollmodel.plan.drift.observed import Observed
from rollmodel.plan.drift.reaction.training_job import changed_since, training_job, training_name
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.times import parse, seconds_since

__all__ = ["advance_retrain", "needs_template", "revision_changed"]

_ACTIVE = ("Starting", "Running")
_USELESS = ("Failed", "RolledBack", "Ineffective")
_KEPT = 20


def needs_template(observed: Observed) -> bool:
    """Whether this pass may create a training, or tell why not."""
    episode, newest = observed.status.episode, next(iter(observed.status.retrains), None)
    alarmed = episode is not None and episode.end_time is None
    return observed.spec.retrain.training_job_ref is not None and (
        alarmed or (newest is not None and newest.outcome == "Starting") or _is_new_command(observed)
    )


def advance_retrain(draft: Draft) -> Draft:
    """Follow the training that was started, hear commands, and react to an alarm."""
    if draft.observed.watches_candidate:  # its difference is its own: no training mends that
        return draft
    draft = _follow(draft)
    if _is_new_command(draft.observed):
        draft = _command(draft)
    if draft.alarmed and draft.state == "Drifted":
        return _react(draft)
    return draft.say("RetrainBlocked", "False", "NoAlarm")


def revision_changed(draft: Draft) -> Draft:
    """Another revision is stable: the training that runs has led to it, or not."""
    newest = next(iter(draft.status.retrains), None)
    if newest is None or newest.outcome not in _ACTIVE or draft.observed.revision == newest.revision:
        return draft
    child = _child(draft, newest)
    version = ((child or {}).get("status") or {}).get("modelVersion")
    if version is not None and version == draft.observed.arm.get("modelVersion"):
        draft = _update(draft, newest, "Promoted", f"version {version} is stable")
        return draft.event("Normal", "RetrainPromoted", f"episode {newest.episode}: version {version} is stable")
    return draft


def _follow(draft: Draft) -> Draft:
    newest = next(iter(draft.status.retrains), None)
    if newest is None or newest.outcome not in _ACTIVE:
        return draft
    child = _child(draft, newest)
    if newest.outcome == "Starting":
        return _make_sure(draft, newest) if child is None else _update(draft, newest, "Running", "")
    if child is None:
        return _update(draft, newest, "Failed", "the TrainingJob was deleted")
    return _outcome(draft, newest, child)


def _make_sure(draft: Draft, newest: RetrainStatus) -> Draft:
    """It was decided, and somebody may have stopped before it was created."""
    manifest = training_job(draft.observed, newest)
    return draft.apply(manifest) if manifest is not None else _update(draft, newest, "Failed", _no_template(draft))


def _outcome(draft: Draft, newest: RetrainStatus, child: Manifest) -> Draft:
    succeeded = next((one for one in _conditions(child) if one["type"] == "Succeeded"), None)
    if succeeded is not None and succeeded["status"] == "False":
        draft = _update(draft, newest, "Failed", f"{succeeded['reason']}: {succeeded.get('message', '')}")
        return draft.event("Warning", "RetrainFailed", f"TrainingJob {newest.training_job}: {succeeded['reason']}")
    if succeeded is not None and succeeded["status"] == "True":
        return _trained(draft, newest, child)
    return draft


def _trained(draft: Draft, newest: RetrainStatus, child: Manifest) -> Draft:
    """There is a version: wait for what the rollout makes of it, and for a rollout as long as a cooldown."""
    version = (child.get("status") or {}).get("modelVersion")
    deployment = (draft.observed.deployment or {}).get("status") or {}
    if version is not None and (deployment.get("rejected") or {}).get("modelVersion") == version:
        return _update(draft, newest, "RolledBack", f"version {version} was taken back")
    if version is not None and (deployment.get("candidate") or {}).get("modelVersion") == version:
        return draft
    if seconds_since(newest.time, draft.observed.now) > max(draft.observed.spec.retrain.cooldown_seconds, 60):
        return _update(draft, newest, "Ineffective", f"version {version} did not become stable within the cooldown")
    return draft


def _react(draft: Draft) -> Draft:
    """An alarm is on."""
    retrain, episode = draft.observed.spec.retrain, draft.status.episode
    assert episode is not None  # noqa: S101  an alarm is on
    drifted = [one for one in draft.status.signals if one.verdict == "Drifted"]
    triggers = [one for one in drifted if one.kind in retrain.when]
    if retrain.mode == "Never":
        return draft.say("RetrainBlocked", "False", "NeverAsked", "`retrain.mode` is Never")
    if blocked := _blocked(draft):
        return draft.say("RetrainBlocked", "True", *blocked)
    draft = draft.say("RetrainBlocked", "False", "NothingInTheWay")
    used = _of_episode(draft)
    if used is not None and (used.outcome != "Suggested" or retrain.mode == "Suggest" or not triggers):
        return draft
    if retrain.mode == "Suggest" or not triggers:
        return _note(draft, drifted, "Suggested", "RetrainSuggested")
    if retrain.mode == "Approve":
        return _note(draft, triggers, "AwaitingApproval", "RetrainAwaitsApproval")
    return _start(draft, triggers[0].name, "by itself")


def _blocked(draft: Draft, *, person: bool = False) -> tuple[str, str] | None:
    """Reason and message where no training may start now; a person may overrule patience, and nothing else."""
    past = draft.status.retrains
    broken = [
        one
        for one in draft.status.signals
        if one.kind in draft.observed.spec.retrain.block_on and one.verdict in {"Suspected", "Drifted"}
    ]
    if broken:
        return "BrokenData", f"{broken[0].name}: {broken[0].message or 'changed'}. Bad data makes bad models"
    if any(one.outcome in _ACTIVE for one in past):
        return "TrainingRuns", f"TrainingJob {past[0].training_job}"
    used = _of_episode(draft)
    return None if person or (used is not None and used.training_job is not None) else _patience(draft)


def _patience(draft: Draft) -> tuple[str, str] | None:
    """Cooldown, cap and circuit breaker."""
    retrain, days = draft.observed.spec.retrain, draft.observed.spec.false_alarms.period_days
    started = [one for one in _judge_last(draft).status.retrains if one.training_job is not None]
    useless = list(takewhile(lambda one: one.outcome in _USELESS, started))
    if len(useless) >= retrain.give_up_after:
        return "RetrainIneffective", f"the last {len(useless)} trainings did not help: only a person starts another"
    ages = [seconds_since(one.time, draft.observed.now) for one in started]
    if ages and ages[0] < retrain.cooldown_seconds:
        return "Cooldown", f"the last training began at {started[0].time}"
    if (recent := sum(age < days * 86_400 for age in ages)) >= retrain.max_per_period:
        return "TooMany", f"{recent} trainings within {days} days"
    return None


def _start(draft: Draft, trigger: str, why: str) -> Draft:
    """Status names the training before it exists: whoever goes on creates the same one."""
    template = _no_template(draft)
    if draft.observed.template is None:
        return draft.say("RetrainBlocked", "True", "TemplateMissing", template)
    episode, revision = draft.status.episode, draft.status.profile.revision if draft.status.profile else ""
    assert episode is not None  # noqa: S101  an alarm is on
    draft = _judge_last(draft)
    entry = RetrainStatus(
        episode=str(episode.number),
        trigger=trigger,
        revision=revision,
        training_job=training_name(draft.observed, revision, episode.number),
        outcome="Starting",
        time=draft.now,
        data_since=changed_since(draft.observed, trigger, episode.start_time),
        message=why,
    )
    others = [one for one in draft.status.retrains if one.episode != entry.episode]
    draft = draft.set(retrains=[entry, *others][:_KEPT])
    manifest = training_job(draft.observed, entry)
    draft = draft.apply(manifest) if manifest is not None else draft
    return draft.event("Normal", "RetrainStarted", f"episode {episode.number}: TrainingJob {entry.training_job}, {why}")


def _judge_last(draft: Draft) -> Draft:
    """The last training did not help if its model drifted within its longest window and the cooldown."""
    spec, last = draft.observed.spec, next((one for one in draft.status.retrains if one.training_job), None)
    if last is None or last.outcome != "Promoted" or draft.status.watched_since is None:
        return draft
    held = (draft.observed.now - parse(draft.status.watched_since)).total_seconds()
    if held >= max(spec.window_seconds) + spec.retrain.cooldown_seconds:
        return draft
    return _update(draft, last, "Ineffective", f"its model drifted within {held:.0f} s")


def _command(draft: Draft) -> Draft:
    """``retrain <episode> <any word>``: a person starts the training of the alarm that is on."""
    text, episode = asked(draft.observed.annotations), draft.status.episode
    problem = _why_not(draft, text.split())
    result = CommandStatus(text=text, result="Done" if problem is None else "Ignored", message=problem, time=draft.now)
    draft = draft.set(last_command=result)
    if problem is not None or episode is None:
        return draft.event("Warning", "CommandIgnored", f"{text!r}: {problem}")
    return _start(draft, episode.trigger, "asked for by a person")


def _why_not(draft: Draft, words: Sequence[str]) -> str | None:
    """What is wrong with this command; None where it is obeyed."""
    used, episode, problem = _of_episode(draft), draft.status.episode, None
    if len(words) != 3 or words[0] != "retrain":
        problem = "must be 'retrain <episode> <any word>'"
    elif not draft.alarmed or episode is None or words[1] != str(episode.number):
        problem = f"there is no alarm with number {words[1]}"
    elif draft.observed.spec.retrain.training_job_ref is None:
        problem = "`retrain.trainingJobRef` names no TrainingJob"
    elif draft.observed.template is None:
        problem = _no_template(draft)
    elif used is not None and used.training_job is not None:
        problem = f"episode {words[1]} has its training: {used.training_job}"
    elif blocked := _blocked(draft, person=True):
        problem = f"{blocked[0]}: {blocked[1]}"
    return problem


def _is_new_command(observed: Observed) -> bool:
    text, last = asked(observed.annotations), observed.status.last_command
    return ANNOTATION in observed.annotations and (last is None or last.text != text)


def _note(draft: Draft, signals: Sequence[SignalStatus], outcome: str, reason: str) -> Draft:
    """Ask a person."""
    episode = draft.status.episode
    assert episode is not None  # noqa: S101  an alarm is on
    trigger = signals[0].name if signals else episode.trigger
    entry = RetrainStatus.model_validate(
        {"episode": str(episode.number), "trigger": trigger, "outcome": outcome, "time": draft.now}
    )
    command = f"{ANNOTATION}: retrain {episode.number} <any word>"
    others = [one for one in draft.status.retrains if one.episode != entry.episode]
    draft = draft.set(retrains=[entry, *others][:_KEPT])
    return draft.event("Normal", reason, f"episode {episode.number}, {trigger}: the annotation `{command}` starts it")


def _of_episode(draft: Draft) -> RetrainStatus | None:
    """What was asked for in the alarm that is on."""
    number = draft.status.episode.number if draft.status.episode is not None else 0
    return next((one for one in draft.status.retrains if one.episode == str(number)), None)


def _update(draft: Draft, entry: RetrainStatus, outcome: str, message: str) -> Draft:
    new = RetrainStatus.model_validate({**dict(entry), "outcome": outcome, "message": message or entry.message})
    return draft.set(retrains=[new if one.episode == entry.episode else one for one in draft.status.retrains])


def _child(draft: Draft, entry: RetrainStatus) -> Manifest | None:
    named = (one for one in draft.observed.children if one["metadata"]["name"] == entry.training_job)
    return next((one for one in named if one["kind"] == "TrainingJob"), None)


def _conditions(child: Manifest) -> Sequence[Mapping[str, Any]]:
    return (child.get("status") or {}).get("conditions") or ()


def _no_template(draft: Draft) -> str:
    reference = draft.observed.spec.retrain.training_job_ref
    return f"there is no TrainingJob {reference.name!r}" if reference is not None else "`trainingJobRef` is not set"
