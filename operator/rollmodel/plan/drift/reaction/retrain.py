"""What an alarm leads to: a training that is suggested, asked for or started, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence

from rollmodel.api.commands import CommandStatus
from rollmodel.api.driftpolicy import RetrainStatus, SignalStatus
from rollmodel.plan.deployment.strategies.commands import ANNOTATION, asked
from rollmodel.plan.drift.draft import Draft
from rollmodel.plan.drift.observed import Observed
from rollmodel.plan.drift.reaction.blocked import blocked
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
from rollmodel.plan.drift.reaction.turn import ACTIVE, model_of, other_claim
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
    draft = Draft.of(observed)
    automatic = observed.spec.retrain.mode == "Auto" and draft.alarmed and bool(triggers(draft))
    return automatic and not _is_used(draft) and blocked(draft) is None


def advance_retrain(draft: Draft) -> Draft:
    """Follow the training that was started, hear commands, and react to an alarm."""
    if draft.observed.watches_candidate:  # its difference is its own: no training mends that
        return draft
    draft = _follow(draft)
    if _is_new_command(draft.observed):
        draft = _command(draft)
    if draft.alarmed and draft.state == "Drifted":
        return _react(judge_last(draft))
    return draft.say("RetrainBlocked", "False", "NoAlarm")


def follow_retrain(draft: Draft) -> Draft:
    """Where nothing is looked at: a training that is there ends as any other one, and none is created."""
    newest = next(iter(draft.status.retrains), None)
    if newest is None or newest.outcome not in ACTIVE:
        return draft
    if newest.outcome == "Starting" and child_of(draft, newest) is None:
        return _take_back(draft, newest, "nothing is looked at")
    return _follow(draft).requeue(REST_SECONDS)


def revision_changed(draft: Draft) -> Draft:
    """Another revision is stable: the training that runs has led to it, or not."""
    newest = next(iter(draft.status.retrains), None)
    if newest is None or newest.outcome not in ACTIVE or draft.observed.revision == newest.revision:
        return draft
    child = child_of(draft, newest)
    version = ((child or {}).get("status") or {}).get("modelVersion")
    if version is not None and version == draft.observed.arm.get("modelVersion"):
        return _promoted(draft, newest, version)
    return draft


def _promoted(draft: Draft, newest: RetrainStatus, version: str) -> Draft:
    fields = {"promoted_revision": draft.observed.revision}
    draft = update(draft, newest, "Promoted", f"version {version} is stable", **fields)
    return draft.event("Normal", "RetrainPromoted", f"episode {newest.episode}: version {version} is stable")


def _follow(draft: Draft) -> Draft:
    newest = next(iter(draft.status.retrains), None)
    if newest is None or newest.outcome not in ACTIVE:
        return draft
    child = child_of(draft, newest)
    if newest.outcome == "Starting":
        return _make_sure(draft, newest) if child is None else _started(draft, newest)
    if child is None:
        return update(draft, newest, "Failed", "the TrainingJob was deleted")
    return _outcome(draft, newest, child)


def _make_sure(draft: Draft, newest: RetrainStatus) -> Draft:
    """It was decided, and is created once no other policy has a claim."""
    other = other_claim(draft.observed)
    if other is not None and (other.is_certain or other.policy < draft.observed.name):
        return _take_back(draft, newest, other.message)
    if other is not None:
        return draft.requeue(1.0)  # it takes its claim back
    manifest = training_job(draft.observed, newest)
    return draft.apply(manifest) if manifest is not None else update(draft, newest, "Failed", no_template(draft))


def _started(draft: Draft, newest: RetrainStatus) -> Draft:
    draft = update(draft, newest, "Running", "")
    told = f"episode {newest.episode}: TrainingJob {newest.training_job}, {newest.message}"
    return draft.event("Normal", "RetrainStarted", told)


def _take_back(draft: Draft, newest: RetrainStatus, why: str) -> Draft:
    """The claim of a training that is not there. What a person asked for has to be asked for again."""
    mode = draft.observed.spec.retrain.mode
    if mode == "Auto":
        return draft.set(retrains=[one for one in draft.status.retrains if one.episode != newest.episode])
    fields = {**dict(newest), "training_job": None, "data_since": None, "labelled_rows": None, "message": why}
    again = "AwaitingApproval" if mode == "Approve" else "Suggested"
    draft = put(draft, RetrainStatus.model_validate({**fields, "outcome": again}))
    return draft.event("Normal", "RetrainTakenBack", f"episode {newest.episode}: {why}")


def _outcome(draft: Draft, newest: RetrainStatus, child: Manifest) -> Draft:
    succeeded = next((one for one in conditions_of(child) if one["type"] == "Succeeded"), None)
    if succeeded is not None and succeeded["status"] == "False":
        draft = update(draft, newest, "Failed", f"{succeeded['reason']}: {succeeded.get('message', '')}")
        return draft.event("Warning", "RetrainFailed", f"TrainingJob {newest.training_job}: {succeeded['reason']}")
    if succeeded is not None and succeeded["status"] == "True":
        return _trained(draft, newest, child)
    return draft


def _trained(draft: Draft, newest: RetrainStatus, child: Manifest) -> Draft:
    """There is a version: wait for what the rollout makes of it, and for a rollout as long as a cooldown."""
    version = (child.get("status") or {}).get("modelVersion")
    if version is None:
        return update(draft, newest, "Ineffective", "the TrainingJob registers no version: it has no `register`")
    deployment = (draft.observed.deployment or {}).get("status") or {}
    where = [name for name in _PLACES if (deployment.get(name) or {}).get("modelVersion") == version]
    if "stable" in where:  # also where its profile cannot be read
        return _promoted(draft, newest, version)
    if "candidate" in where:
        return draft
    if "rejected" in where:
        return update(draft, newest, "RolledBack", f"version {version} was taken back")
    if seconds_since(newest.time, draft.observed.now) > max(draft.observed.spec.retrain.cooldown_seconds, 60):
        return update(draft, newest, "Ineffective", f"version {version} did not become stable within the cooldown")
    return draft


def _react(draft: Draft) -> Draft:
    """An alarm is on."""
    retrain, found = draft.observed.spec.retrain, triggers(draft)
    if retrain.mode == "Never":
        return draft.say("RetrainBlocked", "False", "NeverAsked", "`retrain.mode` is Never")
    if why := blocked(draft):
        draft = draft.requeue(TURN_SECONDS) if why[0] == "OtherPolicyTrains" else draft
        return draft.say("RetrainBlocked", "True", *why)
    draft = draft.say("RetrainBlocked", "False", "NothingInTheWay")
    used = of_episode(draft)
    if _is_used(draft) or (used is not None and (retrain.mode == "Suggest" or not found)):
        return draft
    return _ask_or_start(draft, found)


def _ask_or_start(draft: Draft, found: Sequence[SignalStatus]) -> Draft:
    """By what may start a training, and the mode."""
    mode = draft.observed.spec.retrain.mode
    if mode == "Suggest" or not found:
        drifted = [one for one in draft.status.signals if one.verdict == "Drifted"]
        return _note(draft, drifted, "Suggested", "RetrainSuggested")
    if mode == "Approve":
        return _note(draft, found, "AwaitingApproval", "RetrainAwaitsApproval")
    if draft.observed.others is None:
        return draft.requeue(0.0)  # the next pass has read the other policies
    return _start(draft, found[0].name, "by itself")


def _is_used(draft: Draft) -> bool:
    """Whether the alarm that is on has its training, or waits for a person."""
    used = of_episode(draft)
    return used is not None and used.outcome != "Suggested"


def _start(draft: Draft, trigger: str, why: str) -> Draft:
    """Claim the turn: status names the training before it exists, and whoever goes on creates the same one."""
    if draft.observed.template is None:
        return draft.say("RetrainBlocked", "True", "TemplateMissing", no_template(draft))
    episode, revision = draft.status.episode, draft.status.profile.revision if draft.status.profile else ""
    assert episode is not None  # noqa: S101  an alarm is on
    entry = RetrainStatus(
        episode=str(episode.number),
        trigger=trigger,
        revision=revision,
        training_job=training_name(draft.observed, revision, episode.number),
        model=model_of(draft.observed),
        outcome="Starting",
        time=draft.now,
        data_since=changed_since(draft.observed, trigger, episode.start_time),
        labelled_rows=draft.status.labelled_rows,
        message=why,
    )
    return put(draft, entry).requeue(0.0)


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
    used, episode, problem = of_episode(draft), draft.status.episode, None
    if len(words) != 3 or words[0] != "retrain":
        problem = "must be 'retrain <episode> <any word>'"
    elif not draft.alarmed or episode is None or words[1] != str(episode.number):
        problem = f"there is no alarm with number {words[1]}"
    elif draft.observed.spec.retrain.training_job_ref is None:
        problem = "`retrain.trainingJobRef` names no TrainingJob"
    elif draft.observed.template is None:
        problem = no_template(draft)
    elif used is not None and used.training_job is not None:
        problem = f"episode {words[1]} has its training: {used.training_job}"
    elif why := blocked(draft, person=True):
        problem = f"{why[0]}: {why[1]}"
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
    draft = put(draft, entry)
    return draft.event("Normal", reason, f"episode {episode.number}, {trigger}: the annotation `{command}` starts it")
