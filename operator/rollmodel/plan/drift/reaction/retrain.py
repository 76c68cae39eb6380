"""What an alarm leads to: a training that is suggested, asked for or started, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence

from rollmodel.api.commands import CommandStatus
from rollmodel.api.driftpolicy import RetrainStatus, SignalStatus
from rollmodel.plan.deployment.strategies.commands import ANNOTATION, asked
from rollmodel.plan.drift.builder import DecisionBuilder
from rollmodel.plan.drift.observed import Observed
from rollmodel.plan.drift.reaction.blocked import blocked
from rollmodel.plan.drift.reaction.claims import ACTIVE, model_of, other_claim
from rollmodel.plan.drift.reaction.entries import (
    child_of,
    conditions_of,
    judge_last,
    no_template,
    of_episode,
    put,
    triggers,
    update,
)
from rollmodel.plan.drift.reaction.training_job import changed_since, training_job, training_name
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.times import seconds_since

__all__ = ["advance_retrain", "follow_retrain", "needs_others", "needs_template", "revision_changed"]

#: When it is asked again whether another policy has ended its turn, in seconds.
TURN_SECONDS = 60.0
#: When a training is looked at again that nobody waits for.
REST_SECONDS = 3600.0
#: Where the status of a ModelDeployment may name a version.
_PLACES = ("stable", "candidate", "rejected")


def needs_template(observed: Observed) -> bool:
    """Whether this pass may create a training, or tell why not."""
    episode, newest = observed.status.episode, next(iter(observed.status.retrains), None)
    alarmed = episode is not None and episode.end_time is None
    return observed.spec.retrain.training_job_ref is not None and (
        alarmed or (newest is not None and newest.outcome == "Starting") or _is_new_command(observed)
    )


def needs_others(observed: Observed) -> bool:
    """Whether this pass may claim its turn, or use it: then the other policies are read."""
    newest = next(iter(observed.status.retrains), None)
    if observed.watches_candidate or observed.spec.retrain.training_job_ref is None:
        return False
    if (newest is not None and newest.outcome == "Starting") or _is_new_command(observed):
        return True
    builder = DecisionBuilder.of(observed)
    automatic = observed.spec.retrain.mode == "Auto" and builder.alarmed and bool(triggers(builder))
    return automatic and not _is_used(builder) and blocked(builder) is None


def advance_retrain(builder: DecisionBuilder) -> DecisionBuilder:
    """Follow the training that was started, hear commands, and react to an alarm."""
    if builder.observed.watches_candidate:  # its difference is its own: no training mends that
        return builder
    builder = _follow(builder)
    if _is_new_command(builder.observed):
        builder = _command(builder)
    if builder.alarmed and builder.state == "Drifted":
        return _react(judge_last(builder))
    return builder.condition("RetrainBlocked", "False", "NoAlarm")


def follow_retrain(builder: DecisionBuilder) -> DecisionBuilder:
    """Where nothing is looked at: a training that is there ends as any other one, and none is created."""
    newest = next(iter(builder.status.retrains), None)
    if newest is None or newest.outcome not in ACTIVE:
        return builder
    if newest.outcome == "Starting" and child_of(builder, newest) is None:
        return _take_back(builder, newest, "nothing is looked at")
    return _follow(builder).requeue(REST_SECONDS)


def revision_changed(builder: DecisionBuilder) -> DecisionBuilder:
    """Another revision is stable: the training that runs has led to it, or not."""
    newest = next(iter(builder.status.retrains), None)
    if newest is None or newest.outcome not in ACTIVE or builder.observed.revision == newest.revision:
        return builder
    child = child_of(builder, newest)
    version = ((child or {}).get("status") or {}).get("modelVersion")
    if version is not None and version == builder.observed.arm.get("modelVersion"):
        return _promoted(builder, newest, version)
    return builder


def _promoted(builder: DecisionBuilder, newest: RetrainStatus, version: str) -> DecisionBuilder:
    fields = {"promoted_revision": builder.observed.revision}
    builder = update(builder, newest, "Promoted", f"version {version} is stable", **fields)
    return builder.event("Normal", "RetrainPromoted", f"episode {newest.episode}: version {version} is stable")


def _follow(builder: DecisionBuilder) -> DecisionBuilder:
    newest = next(iter(builder.status.retrains), None)
    if newest is None or newest.outcome not in ACTIVE:
        return builder
    child = child_of(builder, newest)
    if newest.outcome == "Starting":
        return _make_sure(builder, newest) if child is None else _started(builder, newest)
    if child is None:
        return update(builder, newest, "Failed", "the TrainingJob was deleted")
    return _outcome(builder, newest, child)


def _make_sure(builder: DecisionBuilder, newest: RetrainStatus) -> DecisionBuilder:
    """It was decided, and is created once no other policy has a claim."""
    other = other_claim(builder.observed)
    if other is not None and (other.is_certain or other.policy < builder.observed.name):
        return _take_back(builder, newest, other.message)
    if other is not None:
        return builder.requeue(1.0)  # it takes its claim back
    manifest = training_job(builder.observed, newest)
    return builder.apply(manifest) if manifest is not None else update(builder, newest, "Failed", no_template(builder))


def _started(builder: DecisionBuilder, newest: RetrainStatus) -> DecisionBuilder:
    builder = update(builder, newest, "Running", "")
    told = f"episode {newest.episode}: TrainingJob {newest.training_job}, {newest.message}"
    return builder.event("Normal", "RetrainStarted", told)


def _take_back(builder: DecisionBuilder, newest: RetrainStatus, why: str) -> DecisionBuilder:
    """The claim of a training that is not there. What a person asked for has to be asked for again."""
    mode = builder.observed.spec.retrain.mode
    if mode == "Auto":
        return builder.set(retrains=[one for one in builder.status.retrains if one.episode != newest.episode])
    fields = {**dict(newest), "training_job": None, "data_since": None, "labelled_rows": None, "message": why}
    again = "AwaitingApproval" if mode == "Approve" else "Suggested"
    builder = put(builder, RetrainStatus.model_validate({**fields, "outcome": again}))
    return builder.event("Normal", "RetrainTakenBack", f"episode {newest.episode}: {why}")


def _outcome(builder: DecisionBuilder, newest: RetrainStatus, child: Manifest) -> DecisionBuilder:
    succeeded = next((one for one in conditions_of(child) if one["type"] == "Succeeded"), None)
    if succeeded is not None and succeeded["status"] == "False":
        builder = update(builder, newest, "Failed", f"{succeeded['reason']}: {succeeded.get('message', '')}")
        return builder.event("Warning", "RetrainFailed", f"TrainingJob {newest.training_job}: {succeeded['reason']}")
    if succeeded is not None and succeeded["status"] == "True":
        return _trained(builder, newest, child)
    return builder


def _trained(builder: DecisionBuilder, newest: RetrainStatus, child: Manifest) -> DecisionBuilder:
    """There is a version: wait for what the rollout makes of it, and for a rollout as long as a cooldown."""
    version = (child.get("status") or {}).get("modelVersion")
    if version is None:
        return update(builder, newest, "Ineffective", "the TrainingJob registers no version: it has no `register`")
    deployment = (builder.observed.deployment or {}).get("status") or {}
    where = [name for name in _PLACES if (deployment.get(name) or {}).get("modelVersion") == version]
    if "stable" in where:  # also where its profile cannot be read
        return _promoted(builder, newest, version)
    if "candidate" in where:
        return builder
    if "rejected" in where:
        return update(builder, newest, "RolledBack", f"version {version} was taken back")
    if seconds_since(newest.time, builder.observed.now) > max(builder.observed.spec.retrain.cooldown_seconds, 60):
        return update(builder, newest, "Ineffective", f"version {version} did not become stable within the cooldown")
    return builder


def _react(builder: DecisionBuilder) -> DecisionBuilder:
    """An alarm is on."""
    retrain, found = builder.observed.spec.retrain, triggers(builder)
    if retrain.mode == "Never":
        return builder.condition("RetrainBlocked", "False", "NeverAsked", "`retrain.mode` is Never")
    if why := blocked(builder):
        builder = builder.requeue(TURN_SECONDS) if why[0] == "OtherPolicyTrains" else builder
        return builder.condition("RetrainBlocked", "True", *why)
    builder = builder.condition("RetrainBlocked", "False", "NothingInTheWay")
    used = of_episode(builder)
    if _is_used(builder) or (used is not None and (retrain.mode == "Suggest" or not found)):
        return builder
    return _ask_or_start(builder, found)


def _ask_or_start(builder: DecisionBuilder, found: Sequence[SignalStatus]) -> DecisionBuilder:
    """By what may start a training, and the mode."""
    mode = builder.observed.spec.retrain.mode
    if mode == "Suggest" or not found:
        drifted = [one for one in builder.status.signals if one.verdict == "Drifted"]
        return _note(builder, drifted, "Suggested", "RetrainSuggested")
    if mode == "Approve":
        return _note(builder, found, "AwaitingApproval", "RetrainAwaitsApproval")
    if builder.observed.others is None:
        return builder.requeue(0.0)  # the next pass has read the other policies
    return _start(builder, found[0].name, "by itself")


def _is_used(builder: DecisionBuilder) -> bool:
    """Whether the alarm that is on has its training, or waits for a person."""
    used = of_episode(builder)
    return used is not None and used.outcome != "Suggested"


def _start(builder: DecisionBuilder, trigger: str, why: str) -> DecisionBuilder:
    """Claim the turn: status names the training before it exists, and whoever goes on creates the same one."""
    if builder.observed.template is None:
        return builder.condition("RetrainBlocked", "True", "TemplateMissing", no_template(builder))
    episode, revision = builder.status.episode, builder.status.profile.revision if builder.status.profile else ""
    assert episode is not None  # noqa: S101  an alarm is on
    entry = RetrainStatus(
        episode=str(episode.number),
        trigger=trigger,
        revision=revision,
        training_job=training_name(builder.observed, revision, episode.number),
        model=model_of(builder.observed),
        outcome="Starting",
        time=builder.now,
        data_since=changed_since(builder.observed, trigger, episode.start_time),
        labelled_rows=builder.status.labelled_rows,
        message=why,
    )
    return put(builder, entry).requeue(0.0)


def _command(builder: DecisionBuilder) -> DecisionBuilder:
    """``retrain <episode> <any word>``: a person starts the training of the alarm that is on."""
    text, episode = asked(builder.observed.annotations), builder.status.episode
    problem = _why_not(builder, text.split())
    result = CommandStatus(
        text=text, result="Done" if problem is None else "Ignored", message=problem, time=builder.now
    )
    builder = builder.set(last_command=result)
    if problem is not None or episode is None:
        return builder.event("Warning", "CommandIgnored", f"{text!r}: {problem}")
    return _start(builder, episode.trigger, "asked for by a person")


def _why_not(builder: DecisionBuilder, words: Sequence[str]) -> str | None:
    """What is wrong with this command; None where it is obeyed."""
    used, episode, problem = of_episode(builder), builder.status.episode, None
    if len(words) != 3 or words[0] != "retrain":
        problem = "must be 'retrain <episode> <any word>'"
    elif not builder.alarmed or episode is None or words[1] != str(episode.number):
        problem = f"there is no alarm with number {words[1]}"
    elif builder.observed.spec.retrain.training_job_ref is None:
        problem = "`retrain.trainingJobRef` names no TrainingJob"
    elif builder.observed.template is None:
        problem = no_template(builder)
    elif used is not None and used.training_job is not None:
        problem = f"episode {words[1]} has its training: {used.training_job}"
    elif why := blocked(builder, person=True):
        problem = f"{why[0]}: {why[1]}"
    return problem


def _is_new_command(observed: Observed) -> bool:
    text, last = asked(observed.annotations), observed.status.last_command
    return ANNOTATION in observed.annotations and (last is None or last.text != text)


def _note(builder: DecisionBuilder, signals: Sequence[SignalStatus], outcome: str, reason: str) -> DecisionBuilder:
    """Ask a person."""
    episode = builder.status.episode
    assert episode is not None  # noqa: S101  an alarm is on
    trigger = signals[0].name if signals else episode.trigger
    entry = RetrainStatus.model_validate(
        {"episode": str(episode.number), "trigger": trigger, "outcome": outcome, "time": builder.now}
    )
    command = f"{ANNOTATION}: retrain {episode.number} <any word>"
    builder = put(builder, entry)
    return builder.event("Normal", reason, f"episode {episode.number}, {trigger}: the annotation `{command}` starts it")
