"""The arrows after the pods: gates hold, the version is registered, the alias is moved."""

from __future__ import annotations

from dataclasses import replace

from rollmodel.api.trainingjob import GateStatus
from rollmodel.plan.conditions import Line
from rollmodel.plan.decision import RegistryWrite
from rollmodel.plan.training.builder import Draft
from rollmodel.plan.training.context import Look
from rollmodel.plan.training.gates.evaluate import evaluate, held
from rollmodel.plan.training.lifecycle.create_lock import RETRY_SECONDS, create, hindered
from rollmodel.plan.training.observed import Champion, GateFacts, Problem, TrackedVersion
from rollmodel.plan.training.registration.run_metadata import new_version

__all__ = ["alias_write", "move_alias", "pass_gates", "register"]

_NOT_LOGGED = "ModelNotLogged"
_SHOWN = 5


def pass_gates(look: Look, draft: Draft) -> Draft:
    """Evaluate the gates, once; facts that cannot be read at the moment are waited for."""
    asked = look.spec.gates
    if asked is None or not (asked.metrics or asked.artifacts):
        return draft
    if not draft.status.gates:
        run, facts = look.observed.run, look.observed.gates
        problem = next((one for one in (run, *_facts(facts)) if isinstance(one, Problem)), None)
        if problem is not None and (problem.transient or problem is run):
            return hindered(draft, problem, "the gates cannot be evaluated")
        if look.run is None or facts is None:
            return draft.waiting("EvaluatingGates", "the run has yet to be read", seconds=1)
        draft = draft.noting(gates=list(evaluate(asked, look.run, facts)))
    if held(draft.status.gates):
        return draft
    return draft.ending(Line("False", "GatesFailed", _failures(draft.status.gates)))


def register(look: Look, draft: Draft) -> Draft:
    """Create the version, at most once; without ``register`` this was all."""
    if look.spec.registration is None:
        return draft.ending(Line("True", "Completed", "the run succeeded; nothing was to be registered"))
    if draft.status.model_version is not None:
        return draft
    if not look.observed.wants.version:
        return draft.waiting("Registering", "the registry was not looked at", seconds=1)
    return _version(look, draft)


def _version(look: Look, draft: Draft) -> Draft:
    """The version that was found, else one that is created."""
    found = look.observed.version
    if isinstance(found, TrackedVersion):
        return draft.noting(model_version=found.version, claim=None)
    if (refusal := _not_logged(look)) is not None:
        return draft.ending(Line("False", _NOT_LOGGED, refusal))
    if isinstance(found, Problem):
        return hindered(draft, found, "the version cannot be registered")
    return create(look, draft, "Version", new_version(look, draft.status, draft.status.run_id or ""))


def move_alias(look: Look, draft: Draft) -> Draft:
    """Give the alias to our version, unless a later one has it already."""
    registration, version = look.spec.registration, draft.status.model_version
    if registration is None or version is None:
        return draft
    at = look.observed.alias_version
    if isinstance(at, Problem):
        return hindered(draft, at, f"alias {registration.alias!r} cannot be moved")
    if not look.observed.wants.version:
        return draft.waiting("MovingAlias", f"moving alias {registration.alias!r}", seconds=1)
    write = alias_write(look, version)
    if write is not None:
        message = f"moving alias {registration.alias!r} to version {version}"
        waiting = draft.waiting("MovingAlias", message, seconds=RETRY_SECONDS)
        return replace(waiting.looking_again(1.0), registry=(write,))
    name = f"version {version} of {registration.model}"
    overtaken = isinstance(at, TrackedVersion) and at.version != version
    tail = f"; alias {registration.alias!r} is at version {at.version}" if isinstance(at, TrackedVersion) else ""
    return draft.ending(Line("True", "Registered", f"{name} was registered{tail if overtaken else ''}"))


def alias_write(look: Look, version: str) -> RegistryWrite | None:
    """The move of the alias, where it points at no version or a lower one."""
    registration, at = look.spec.registration, look.observed.alias_version
    if registration is None or isinstance(at, Problem):
        return None
    if at is not None and int(at.version) >= int(version):
        return None
    key = f"alias/{registration.model}/{registration.alias}"
    return RegistryWrite(key, registration.model, version, alias=registration.alias)


def _facts(facts: GateFacts | None) -> tuple[Champion | Problem | frozenset[str] | None, ...]:
    return (facts.champion, facts.artifacts) if facts is not None else ()


def _not_logged(look: Look) -> str | None:
    """The registry's answer to the last try: the run has no model at that path. No further try helps."""
    found = look.observed.version
    if isinstance(found, Problem) and found.reason == _NOT_LOGGED:
        return found.message
    return next((text for text in look.observed.problems if text.startswith(_NOT_LOGGED)), None)


def _failures(gates: list[GateStatus]) -> str:
    failed = [gate for gate in gates if gate.verdict != "Passed"]
    told = "; ".join(f"{gate.name} {gate.check}: {gate.message or gate.verdict}" for gate in failed[:_SHOWN])
    return f"{len(failed)} of {len(gates)} gates failed, so no version was registered: {told}"
