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
from rollmodel.plan.deployment.context import Look
from rollmodel.plan.deployment.state import Memory, change
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


def consume(memory: Memory, look: Look) -> Memory:
    """Carry the annotation's command out, if it is a new one, and remember what became of it."""
    text = asked(look.observed.annotations)
    if not text or (memory.last_command is not None and memory.last_command.text == text):
        return memory
    by = _writer(look.observed.managed_fields) or "unknown"
    try:
        verb, revision = _parse(text)
        memory = _VERBS[verb](memory, look, _Command(revision, by))
    except _Ignored as ignored:
        noted = CommandStatus(text=text, result="Ignored", message=str(ignored), by=by, time=stamp(look.now))
        return replace(memory, last_command=noted).saying("Warning", "CommandIgnored", f"{text!r}: {ignored}")
    noted = CommandStatus(text=text, result="Done", by=by, time=stamp(look.now))
    return replace(memory, last_command=noted).saying("Normal", "CommandDone", f"{verb} {revision}, asked for by {by}")


def _parse(text: str) -> tuple[str, str]:
    words = text.split()
    if len(words) != 3:
        raise _Ignored("must be '<verb> <revision> <nonce>'")
    if words[0] not in _VERBS:
        raise _Ignored(f"must begin with one of {', '.join(_VERBS)}")
    return words[0], words[1]


def _promote(memory: Memory, look: Look, command: _Command) -> Memory:
    """All traffic without waiting for evidence: a person takes the responsibility."""
    candidate = _current(memory, command)
    if memory.stable is None:
        raise _Ignored("it takes all traffic as soon as it answers")
    forced = change(
        candidate,
        step=len(look.spec.rollout.steps),
        since=stamp(look.now),
        ready_since=None,
        reason=f"{FORCED}{command.by}",
    )
    return replace(memory, candidate=forced, paused=None)


def _abort(memory: Memory, look: Look, command: _Command) -> Memory:
    _current(memory, command)
    if memory.stable is None:
        raise _Ignored("there is no other revision to go back to")
    message = f"aborted by {command.by}"
    return transitions.roll_back(memory, look, reason="Command", message=message, by=command.by, verdict="Aborted")


def _pause(memory: Memory, _: Look, command: _Command) -> Memory:
    """The weight stays as it is; proof of harm still takes it away."""
    _current(memory, command)
    if memory.paused:
        raise _Ignored(f"it is paused already: {memory.paused}")
    return replace(memory, paused=f"Command: paused by {command.by}")


def _resume(memory: Memory, look: Look, command: _Command) -> Memory:
    """Go on; an undecided step gets its time budget once more."""
    candidate = _current(memory, command)
    if memory.paused is None:
        raise _Ignored("it is not paused")
    if pause_reason(memory) == "Failure":
        raise _Ignored("it was proven harmful; promote or abort it")
    return replace(memory, paused=None, candidate=change(candidate, since=stamp(look.now)))


def _retry(memory: Memory, _: Look, command: _Command) -> Memory:
    if memory.rejected is None or memory.rejected.revision != command.revision:
        raise _Ignored("it is not the revision that was taken back")
    return replace(memory, rejected=None)


_VERBS: Mapping[str, Callable[[Memory, Look, _Command], Memory]] = {
    "promote": _promote,
    "abort": _abort,
    "pause": _pause,
    "resume": _resume,
    "retry": _retry,
}


def _current(memory: Memory, command: _Command) -> Any:
    """The candidate, if it is the one that the command names."""
    if memory.candidate is None or memory.candidate.revision != command.revision:
        raise _Ignored("it is not the revision that is being tried")
    return memory.candidate


def _writer(managed_fields: Sequence[Mapping[str, Any]]) -> str | None:
    """The field manager that wrote the annotation."""
    for entry in managed_fields:
        fields = entry.get("fieldsV1") or {}
        if f"f:{ANNOTATION}" in (fields.get("f:metadata") or {}).get("f:annotations", {}):
            return str(entry.get("manager"))
    return None
