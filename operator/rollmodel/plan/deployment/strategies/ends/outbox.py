"""Registry writes that a verdict asks for, kept in status until they were carried out.

A later write to the same alias or to the tags of the same version replaces an earlier one that is still waiting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rollmodel.api.base import GROUP
from rollmodel.api.modeldeployment import RegistrySource
from rollmodel.plan.decision import WriteRegistry
from rollmodel.plan.deployment.context import Context
from rollmodel.plan.naming import short_hash
from rollmodel.plan.problem import Problem
from rollmodel.plan.times import stamp

__all__ = ["Outbox", "champion", "current", "earlier_verdict", "is_verdict_tag", "posted", "verdict", "writes"]

_LIMIT = 20
#: MLflow's own limit.
_LONGEST_KEY = 250
_VERDICT, _REASON, _TIME = "verdict", "reason", "time"
#: Keys of before, which named no deployment: whoever decided last had them.
_OF_BEFORE = frozenset(f"{GROUP}/{word}" for word in (_VERDICT, _REASON, _TIME, "deployment"))

Outbox = tuple[dict[str, Any], ...]


def verdict(context: Context, identity: str, word: str, reason: str) -> Outbox:
    """Tags for the model version of a revision: what was decided about it, why, when and where."""
    revision = context.revision(identity)
    if revision is None or revision.model_name is None or revision.model_version is None:
        return ()
    facts = {_VERDICT: word, _REASON: reason, _TIME: stamp(context.now)}
    tags = {_tag(what, _whole_name(context)): fact for what, fact in facts.items()}
    name, version = revision.model_name, revision.model_version
    return ({"key": f"tags/{name}/{version}", "model": name, "version": version, "tags": tags},)


def is_verdict_tag(key: str) -> bool:
    """Whether this tag of a model version says what somebody decided about it."""
    return key in _OF_BEFORE or key.startswith((f"{GROUP}/{_VERDICT}/", f"{GROUP}/{_REASON}/"))


def earlier_verdict(context: Context) -> str | None:
    """Why this deployment, or one of the same name before it, has taken the wanted model version back, if it has."""
    model, name = context.observed.model, _whole_name(context)
    tags = {} if isinstance(model, Problem) or model.tags is None else model.tags
    word, reason = (tags.get(_tag(what, name)) for what in (_VERDICT, _REASON))
    if word is None and tags.get(f"{GROUP}/deployment") == name:
        word, reason = (tags.get(f"{GROUP}/{what}") for what in (_VERDICT, _REASON))
    return f"{word}: {reason or 'no reason is written'}" if word in {"RolledBack", "Aborted"} else None


def _whole_name(context: Context) -> str:
    return f"{context.observed.namespace}/{context.observed.name}"


def _tag(what: str, whole_name: str) -> str:
    """Key of a tag: it names the deployment, so that two which try the same version do not overwrite each other."""
    key = f"{GROUP}/{what}/{whole_name}"
    return key if len(key) <= _LONGEST_KEY else f"{key[: _LONGEST_KEY - 9]}-{short_hash(key)}"


def current(outbox: Outbox, source: RegistrySource | None) -> Outbox:
    """Without moves of an alias that the spec does not name any more: nobody wants them."""
    wanted = (source.name, source.champion_alias) if source is not None else None
    return tuple(entry for entry in outbox if not entry.get("alias") or (entry["model"], entry["alias"]) == wanted)


def champion(context: Context, identity: str) -> Outbox:
    """The champion alias, moved to the model version of a revision, if the spec names such an alias."""
    source, revision = context.spec.model.registry, context.revision(identity)
    if source is None or source.champion_alias is None or revision is None or revision.model_version is None:
        return ()
    alias, name = source.champion_alias, revision.model_name
    if name != source.name:
        return ()
    return ({"key": f"alias/{name}/{alias}", "model": name, "version": revision.model_version, "alias": alias},)


def posted(outbox: Outbox, *entries: Outbox) -> Outbox:
    """The outbox with these entries added."""
    merged = {entry["key"]: entry for entry in outbox}
    for group in entries:
        for entry in group:
            merged.pop(entry["key"], None)
            merged[entry["key"]] = entry
    return tuple(merged.values())[-_LIMIT:]


def writes(outbox: Sequence[Mapping[str, Any]]) -> tuple[WriteRegistry, ...]:
    """The outbox as the decision carries it."""
    return tuple(
        WriteRegistry(entry["key"], entry["model"], entry["version"], entry.get("alias"), entry.get("tags") or {})
        for entry in outbox
    )
