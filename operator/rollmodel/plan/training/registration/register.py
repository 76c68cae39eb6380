"""The steps after the pods: gates hold, the version is registered, the alias is moved."""

from __future__ import annotations

from rollmodel.api.trainingjob import GateStatus
from rollmodel.plan.conditions import ConditionDraft
from rollmodel.plan.decision import WriteRegistry
from rollmodel.plan.problem import Problem
from rollmodel.plan.training.builder import DecisionBuilder
from rollmodel.plan.training.context import Context
from rollmodel.plan.training.gates.evaluate import evaluate, held
from rollmodel.plan.training.lifecycle.create_lock import create, hindered
from rollmodel.plan.training.observed import Champion, GateFacts, TrackedVersion
from rollmodel.plan.training.registration.run_metadata import new_version

__all__ = ["alias_write", "move_alias", "pass_gates", "register"]

_NOT_LOGGED = "ModelNotLogged"
_SHOWN = 5


def pass_gates(context: Context, builder: DecisionBuilder) -> DecisionBuilder:
    """Evaluate the gates, once; facts that cannot be read at the moment are waited for."""
    asked = context.spec.gates
    if asked is None or not (asked.metrics or asked.artifacts):
        return builder
    if not builder.status.gates:
        run, facts = context.observed.run, context.observed.gates
        problem = next((one for one in (run, *_facts(facts)) if isinstance(one, Problem)), None)
        if problem is not None and (problem.transient or problem is run):
            return hindered(context, builder, problem, "the gates cannot be evaluated")
        if context.run is None or facts is None:
            return builder.await_tracking("EvaluatingGates", "the run has yet to be read", seconds=1)
        builder = builder.set(gates=list(evaluate(asked, context.run, facts)))
    if held(builder.status.gates):
        return builder
    return builder.finish(ConditionDraft("False", "GatesFailed", _failures(builder.status.gates)))


def register(context: Context, builder: DecisionBuilder) -> DecisionBuilder:
    """Create the version, at most once; without ``register`` the run ends here."""
    if context.spec.registration is None:
        return builder.finish(ConditionDraft("True", "Completed", "the run succeeded; nothing was to be registered"))
    if builder.status.model_version is not None:
        return builder
    if not context.observed.read_set.version:
        return builder.await_tracking("Registering", "the registry was not looked at", seconds=1)
    return _version(context, builder)


def _version(context: Context, builder: DecisionBuilder) -> DecisionBuilder:
    """The version that was found, else one that is created."""
    found = context.observed.version
    if isinstance(found, TrackedVersion):
        return builder.set(model_version=found.version, claim=None)
    if (refusal := _not_logged(context)) is not None:
        return builder.finish(ConditionDraft("False", _NOT_LOGGED, refusal))
    if isinstance(found, Problem):
        return hindered(context, builder, found, "the version cannot be registered")
    return create(context, builder, "Version", new_version(context, builder.status, builder.status.run_id or ""))


def move_alias(context: Context, builder: DecisionBuilder) -> DecisionBuilder:
    """Give the alias to our version, unless a later one has it already."""
    registration, version = context.spec.registration, builder.status.model_version
    if registration is None or version is None:
        return builder
    at = context.observed.alias_version
    if isinstance(at, Problem):
        return hindered(context, builder, at, f"alias {registration.alias!r} cannot be moved")
    if not context.observed.read_set.version:
        return builder.await_tracking("MovingAlias", f"moving alias {registration.alias!r}", seconds=1)
    write = alias_write(context, version)
    if write is not None:
        message = f"moving alias {registration.alias!r} to version {version}"
        waiting = builder.await_tracking("MovingAlias", message, seconds=context.timing.retry)
        return waiting.requeue(1.0).effect(write)
    name = f"version {version} of {registration.model}"
    overtaken = isinstance(at, TrackedVersion) and at.version != version
    tail = f"; alias {registration.alias!r} is at version {at.version}" if isinstance(at, TrackedVersion) else ""
    return builder.finish(ConditionDraft("True", "Registered", f"{name} was registered{tail if overtaken else ''}"))


def alias_write(context: Context, version: str) -> WriteRegistry | None:
    """The move of the alias, where it points at no version or a lower one."""
    registration, at = context.spec.registration, context.observed.alias_version
    if registration is None or isinstance(at, Problem):
        return None
    if at is not None and int(at.version) >= int(version):
        return None
    key = f"alias/{registration.model}/{registration.alias}"
    return WriteRegistry(key, registration.model, version, alias=registration.alias)


def _facts(facts: GateFacts | None) -> tuple[Champion | Problem | frozenset[str] | None, ...]:
    return (facts.champion, facts.artifacts) if facts is not None else ()


def _not_logged(context: Context) -> str | None:
    """The registry's answer to the last try: the run has no model at that path. No further try helps."""
    found = context.observed.version
    if isinstance(found, Problem) and found.reason == _NOT_LOGGED:
        return found.message
    return next((text for text in context.observed.problems if text.startswith(_NOT_LOGGED)), None)


def _failures(gates: list[GateStatus]) -> str:
    failed = [gate for gate in gates if gate.verdict != "Passed"]
    told = "; ".join(f"{gate.name} {gate.check}: {gate.message or gate.verdict}" for gate in failed[:_SHOWN])
    return f"{len(failed)} of {len(gates)} gates failed, so no version was registered: {told}"
