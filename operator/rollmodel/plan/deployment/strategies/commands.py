"""What people and GitOps tools may ask for, by one annotation: ``rollmodel.dev/command: "<verb> <revision> <nonce>"``.

A command names the revision that it is about, so that one which arrives late hits nothing else. It is consumed once:
the text in ``status.lastCommand`` is not obeyed again; a new nonce makes the same command a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rollmodel.api.base import GROUP
from rollmodel.api.modeldeployment import CommandStatus, HistoryEntry
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.state import change
from rollmodel.plan.deployment.strategies.ends import transitions
from rollmodel.plan.deployment.strategies.steps.bake import bakes_until
from rollmodel.plan.deployment.strategies.steps.stages import BROUGHT_BACK, FORCED, goes_back, pause_reason
from rollmodel.plan.times import stamp

__all__ = ["ANNOTATION", "REFRESH", "asked", "consume", "previous_revision", "refresh_asked"]

ANNOTATION = f"{GROUP}/command"


#: Any new text asks for one look at the registry now; ``status.refreshed`` answers with it. See ``rollmodel wait``.
REFRESH = f"{GROUP}/refresh"

#: What status can hold of a command; more is no command.
_SHORT = 255
_REMEMBERED = 10


class _Ignored(Exception):
    """The command has no effect; the text says why."""


@dataclass(frozen=True, slots=True)
class _Command:
    revision: str
    by: str


def asked(annotations: Mapping[str, str]) -> str:
    """The command as status remembers it; empty where there is none."""
    return annotations.get(ANNOTATION, "")[:_SHORT]


def refresh_asked(annotations: Mapping[str, str]) -> str:
    """The wish for a look at the registry as status remembers it; empty where there is none."""
    return annotations.get(REFRESH, "")[:_SHORT]


def consume(rollout: Rollout) -> Rollout:
    """Carry out the annotation's command if it is a new one, and record its result."""
    text = asked(rollout.observed.annotations)
    if not text or (rollout.state.last_command is not None and rollout.state.last_command.text == text):
        return rollout
    by, earlier = _writer(rollout.observed.managed_fields) or "unknown", _earlier(rollout)
    try:
        verb, revision = _parse(text, earlier or ())
        rollout = _VERBS[verb](rollout, _Command(revision, by))
    except _Ignored as ignored:
        noted = CommandStatus(text=text, result="Ignored", message=str(ignored), by=by, time=stamp(rollout.now))
        noted = noted.model_copy(update={"earlier": earlier})
        return rollout.with_state(last_command=noted).with_event("Warning", "CommandIgnored", f"{text!r}: {ignored}")
    noted = CommandStatus(text=text, result="Done", by=by, time=stamp(rollout.now), earlier=earlier)
    return rollout.with_state(last_command=noted).with_event(
        "Normal", "CommandDone", f"{verb} {revision}, asked for by {by}"
    )


def _earlier(rollout: Rollout) -> list[str] | None:
    """The last commands, oldest first; None before the second one."""
    last = rollout.state.last_command
    return None if last is None else [*(last.earlier or ()), last.text][-_REMEMBERED:]


def _parse(text: str, earlier: Sequence[str]) -> tuple[str, str]:
    if text in earlier:
        raise _Ignored("it was carried out, or ignored, before: ask with another nonce")
    words = text.split()
    if len(words) != 3:
        raise _Ignored("must be '<verb> <revision> <nonce>'")
    if words[0] not in _VERBS:
        raise _Ignored(f"must begin with one of {', '.join(_VERBS)}")
    return words[0], words[1]


def _promote(rollout: Rollout, command: _Command) -> Rollout:
    """All traffic without waiting for evidence: a person takes the responsibility."""
    if rollout.stable is None and rollout.candidate is None:
        return _retry(rollout, command)
    candidate = _current(rollout, command)
    if rollout.stable is None:
        raise _Ignored("it takes all traffic as soon as it answers")
    if bakes_until(rollout) is not None and not goes_back(candidate):  # it has all traffic: now the other one may go
        return transitions.promote(rollout, reason="Command", by=command.by)
    forced = change(
        candidate,
        step=rollout.strategy.step_count(rollout.spec),
        since=stamp(rollout.now),
        ready_since=None,
        reason=f"{FORCED}{command.by}",
    )
    return rollout.with_state(candidate=forced, paused=None)


def _abort(rollout: Rollout, command: _Command) -> Rollout:
    _current(rollout, command)
    if rollout.stable is None:
        raise _Ignored("there is no other revision to go back to")
    message = f"aborted by {command.by}"
    return transitions.roll_back(rollout, reason="Command", message=message, by=command.by, verdict="Aborted")


def _pause(rollout: Rollout, command: _Command) -> Rollout:
    """The weight stays as it is; proof of harm still takes it away."""
    _current(rollout, command)
    if rollout.paused:
        raise _Ignored(f"it is paused already: {rollout.paused}")
    return rollout.with_state(paused=f"Command: paused by {command.by}")


def _resume(rollout: Rollout, command: _Command) -> Rollout:
    """Go on; an undecided step gets its time budget once more."""
    _current(rollout, command)
    if rollout.paused is None:
        raise _Ignored("it is not paused")
    if pause_reason(rollout) == "Failure":
        raise _Ignored("it was proven harmful; promote or abort it")
    return rollout.with_state(paused=None).with_candidate(since=stamp(rollout.now))


def _retry(rollout: Rollout, command: _Command) -> Rollout:
    if rollout.state.rejected is None or rollout.state.rejected.revision != command.revision:
        raise _Ignored("it is not the revision that was taken back")
    return rollout.with_state(rejected=None)


def _undo(rollout: Rollout, command: _Command) -> Rollout:
    """Back to the revision that was stable before this one, without judging it anew."""
    stable, candidate = rollout.stable, rollout.candidate
    if stable is None or stable.revision != command.revision:
        raise _Ignored("it is not the revision that serves")
    if candidate is not None:
        raise _Ignored(f"{rollout.label(candidate.revision)} is being tried: abort it first")
    if rollout.full_size == 0:
        raise _Ignored("there are no replicas, and so no traffic to give back")
    before = previous_revision(rollout.state.history, stable.revision)
    if before is None:
        raise _Ignored("it was not promoted: there is no revision to go back to")
    if rollout.revision(before) is None:
        raise _Ignored(f"the record of revision {before}, which served before, is gone")
    begun = transitions.begin(rollout, before)
    step = rollout.strategy.step_count(rollout.spec)
    return begun.with_candidate(step=step, reason=f"{BROUGHT_BACK}{command.by}")


_VERBS: Mapping[str, Callable[[Rollout, _Command], Rollout]] = {
    "promote": _promote,
    "abort": _abort,
    "pause": _pause,
    "resume": _resume,
    "retry": _retry,
    "undo": _undo,
}


def previous_revision(history: Sequence[HistoryEntry], stable: str) -> str | None:
    """The revision that the stable one has replaced, as far as the history reaches."""
    promoted = (entry for entry in reversed(history) if entry.verdict == "Promoted")
    last = next((entry for entry in promoted if entry.to_revision == stable), None)
    return None if last is None else last.from_revision


def _current(rollout: Rollout, command: _Command) -> Any:
    """The candidate, if it is the one that the command names."""
    if rollout.candidate is None or rollout.candidate.revision != command.revision:
        raise _Ignored("it is not the revision that is being tried")
    return rollout.candidate


def _writer(managed_fields: Sequence[Mapping[str, Any]]) -> str | None:
    """The field manager that wrote the annotation."""
    for entry in managed_fields:
        fields = entry.get("fieldsV1") or {}
        if f"f:{ANNOTATION}" in (fields.get("f:metadata") or {}).get("f:annotations", {}):
            return str(entry.get("manager"))
    return None
