"""What people and GitOps tools may ask for, by one annotation: ``rollmodel.dev/command: "<verb> <revision> <nonce>"``.

A command names the revision that it is about, so that one which arrives late hits nothing else. It is consumed once:
the text in ``status.lastCommand`` is not obeyed again; the nonce makes the same wish a new text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rollmodel.api.base import GROUP
from rollmodel.api.modeldeployment import CommandStatus
from rollmodel.plan.deployment.context import Context
from rollmodel.plan.deployment.state import RolloutState, change
from rollmodel.plan.deployment.strategies import transitions
from rollmodel.plan.deployment.strategies.canary import FORCED, pause_reason
from rollmodel.plan.times import stamp

__all__ = ["ANNOTATION", "asked", "consume"]

ANNOTATION = f"{GROUP}/command"


#: What status can hold of a command; more is no command.
_SHORT = 255


class _Ignored(Exception):
    """The command has no effect; the text says why."""


@dataclass(frozen=True, slots=True)
class _Command:
    revision: str
    by: str


def asked(annotations: Mapping[str, str]) -> str:
    """The command as status remembers it; empty where there is none."""
    return annotations.get(ANNOTATION, "")[:_SHORT]


def consume(state: RolloutState, context: Context) -> RolloutState:
    """Carry the annotation's command out, if it is a new one, and remember what became of it."""
    text = asked(context.observed.annotations)
    if not text or (state.last_command is not None and state.last_command.text == text):
        return state
    by = _writer(context.observed.managed_fields) or "unknown"
    try:
        verb, revision = _parse(text)
        state = _VERBS[verb](state, context, _Command(revision, by))
    except _Ignored as ignored:
        noted = CommandStatus(text=text, result="Ignored", message=str(ignored), by=by, time=stamp(context.now))
        return replace(state, last_command=noted).with_event("Warning", "CommandIgnored", f"{text!r}: {ignored}")
    noted = CommandStatus(text=text, result="Done", by=by, time=stamp(context.now))
    return replace(state, last_command=noted).with_event(
        "Normal", "CommandDone", f"{verb} {revision}, asked for by {by}"
    )


def _parse(text: str) -> tuple[str, str]:
    words = text.split()
    if len(words) != 3:
        raise _Ignored("must be '<verb> <revision> <nonce>'")
    if words[0] not in _VERBS:
        raise _Ignored(f"must begin with one of {', '.join(_VERBS)}")
    return words[0], words[1]


def _promote(state: RolloutState, context: Context, command: _Command) -> RolloutState:
    """All traffic without waiting for evidence: a person takes the responsibility."""
    candidate = _current(state, command)
    if state.stable is None:
        raise _Ignored("it takes all traffic as soon as it answers")
    forced = change(
        candidate,
        step=len(context.spec.rollout.steps),
        since=stamp(context.now),
        ready_since=None,
        reason=f"{FORCED}{command.by}",
    )
    return replace(state, candidate=forced, paused=None)


def _abort(state: RolloutState, context: Context, command: _Command) -> RolloutState:
    _current(state, command)
    if state.stable is None:
        raise _Ignored("there is no other revision to go back to")
    message = f"aborted by {command.by}"
    return transitions.roll_back(state, context, reason="Command", message=message, by=command.by, verdict="Aborted")


def _pause(state: RolloutState, _: Context, command: _Command) -> RolloutState:
    """The weight stays as it is; proof of harm still takes it away."""
    _current(state, command)
    if state.paused:
        raise _Ignored(f"it is paused already: {state.paused}")
    return replace(state, paused=f"Command: paused by {command.by}")


def _resume(state: RolloutState, context: Context, command: _Command) -> RolloutState:
    """Go on; an undecided step gets its time budget once more."""
    candidate = _current(state, command)
    if state.paused is None:
        raise _Ignored("it is not paused")
    if pause_reason(state) == "Failure":
        raise _Ignored("it was proven harmful; promote or abort it")
    return replace(state, paused=None, candidate=change(candidate, since=stamp(context.now)))


def _retry(state: RolloutState, _: Context, command: _Command) -> RolloutState:
    if state.rejected is None or state.rejected.revision != command.revision:
        raise _Ignored("it is not the revision that was taken back")
    return replace(state, rejected=None)


_VERBS: Mapping[str, Callable[[RolloutState, Context, _Command], RolloutState]] = {
    "promote": _promote,
    "abort": _abort,
    "pause": _pause,
    "resume": _resume,
    "retry": _retry,
}


def _current(state: RolloutState, command: _Command) -> Any:
    """The candidate, if it is the one that the command names."""
    if state.candidate is None or state.candidate.revision != command.revision:
        raise _Ignored("it is not the revision that is being tried")
    return state.candidate


def _writer(managed_fields: Sequence[Mapping[str, Any]]) -> str | None:
    """The field manager that wrote the annotation."""
    for entry in managed_fields:
        fields = entry.get("fieldsV1") or {}
        if f"f:{ANNOTATION}" in (fields.get("f:metadata") or {}).get("f:annotations", {}):
            return str(entry.get("manager"))
    return None
