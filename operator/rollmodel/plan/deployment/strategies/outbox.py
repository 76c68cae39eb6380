"""Registry writes that a verdict asks for, kept in status until they were carried out.

A later write to the same alias or to the tags of the same version replaces an earlier one that is still waiting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rollmodel.api.base import GROUP
from rollmodel.plan.decision import WriteRegistry
from rollmodel.plan.deployment.context import Context
from rollmodel.plan.problem import Problem
from rollmodel.plan.times import stamp

__all__ = ["VERDICT_TAGS", "Outbox", "champion", "earlier_verdict", "posted", "verdict", "writes"]

_LIMIT = 20
_VERDICT, _REASON, _TIME, _DEPLOYMENT = (f"{GROUP}/{word}" for word in ("verdict", "reason", "time", "deployment"))
#: Tags of a model version that say what was decided about it.
VERDICT_TAGS = frozenset({_VERDICT, _REASON, _TIME, _DEPLOYMENT})

Outbox = tuple[dict[str, Any], ...]


def verdict(context: Context, identity: str, word: str, reason: str) -> Outbox:
    """Tags for the model version of a revision: what was decided about it, why, when and where."""
    revision = context.revision(identity)
    if revision is None or revision.model_name is None or revision.model_version is None:
        return ()
    tags = {
        _VERDICT: word,
        _REASON: reason,
        _TIME: stamp(context.now),
        _DEPLOYMENT: f"{context.observed.namespace}/{context.observed.name}",
    }
    name, version = revision.model_name, revision.model_version
    return ({"key": f"tags/{name}/{version}", "model": name, "version": version, "tags": tags},)


def earlier_verdict(context: Context) -> str | None:
    """Why this deployment, or one of the same name before it, has taken the wanted model version back, if it has."""
    model = context.observed.model
    tags = {} if isinstance(model, Problem) or model.tags is None else model.tags
    ours = tags.get(_DEPLOYMENT) == f"{context.observed.namespace}/{context.observed.name}"
    lost = ours and tags.get(_VERDICT) in {"RolledBack", "Aborted"}
    return f"{tags[_VERDICT]}: {tags.get(_REASON, 'no reason is written')}" if lost else None


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
