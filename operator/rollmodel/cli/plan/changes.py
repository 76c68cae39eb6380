"""What a new spec changes: fields, children as the operator renders them, and whether another revision is tried."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import yaml

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.cli.lint.objects import KINDS_OF_OURS
from rollmodel.plan import naming
from rollmodel.plan.deployment.at_rest import children_at_rest
from rollmodel.plan.deployment.objects.desired import APPLIED
from rollmodel.plan.deployment.observed import Defaults, PinnedModel
from rollmodel.plan.deployment.strategies.baseline.compared import asks_baseline
from rollmodel.plan.deployment.strategies.table import strategy_for

__all__ = ["ChildChange", "FieldChange", "Planned", "planned"]

Action = Literal["create", "change", "delete", "none"]

#: Stands for what only the operator or the registry knows, in names and manifests.
_REVISION, _VERSION, _DIGEST = "<revision>", "0", "sha256:" + "0" * 64
_DEFAULTS = Defaults(operator_image="<operator image>", server_image="<server image>", registry_url="<registry>")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field of the spec; None: it is not there."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class ChildChange:
    """An object that the operator makes, changes or takes away; ``diff`` is unified, or the whole new object."""

    action: Action
    kind: str
    name: str
    diff: str


@dataclass(frozen=True, slots=True)
class Planned:
    """What applying one manifest would do. ``notes`` are for people."""

    kind: str
    namespace: str
    name: str
    action: Action
    new_revision: bool = False
    notes: Sequence[str] = ()
    fields: Sequence[FieldChange] = ()
    children: Sequence[ChildChange] = field(default_factory=tuple)

    def plain(self) -> dict[str, Any]:
        """What `-o json` prints of it."""
        named = {"kind": self.kind, "namespace": self.namespace, "name": self.name, "action": self.action}
        return {
            **named,
            "newRevision": self.new_revision,
            "notes": list(self.notes),
            "fields": [asdict(one) for one in self.fields],
            "children": [asdict(one) for one in self.children],
        }


def planned(
    kind: str, namespace: str, name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> Planned:
    """What changes from one spec to the next; ``before`` is None where there is no such object.

    Raises Unplaceable where the new spec cannot be served.
    """
    model = KINDS_OF_OURS[kind].spec
    new = model.model_validate(after)
    old = model.model_validate(before) if before is not None else None
    fields = list(_fields(old.to_wire() if old is not None else {}, new.to_wire()))
    action: Action = "create" if old is None else "change" if fields else "none"
    if action == "none" or not isinstance(new, ModelDeploymentSpec):
        return Planned(kind, namespace, name, action, fields=fields, notes=_others(kind, action))
    assert old is None or isinstance(old, ModelDeploymentSpec)  # noqa: S101 - of the same kind
    revised = old is not None and (old.runtime, old.model) != (new.runtime, new.model)
    return Planned(
        kind,
        namespace,
        name,
        action,
        new_revision=revised or old is None,
        notes=list(_notes(old, new, fields, revised=revised)),
        fields=fields if old is not None else (),
        children=list(_children(namespace, name, old, new)),
    )


def _others(kind: str, action: Action) -> Sequence[str]:
    if action == "none" or kind == "ModelDeployment":
        return ()
    return ("its Jobs are not shown: each run makes its own",) if kind == "TrainingJob" else ()


def _notes(
    old: ModelDeploymentSpec | None, new: ModelDeploymentSpec, fields: Sequence[FieldChange], *, revised: bool
) -> Iterator[str]:
    if old is None:
        yield "it is installed: nothing serves yet, so there is nothing to compare it with"
    elif revised:
        causes = ", ".join(one.path for one in fields if one.path.startswith(("spec.runtime", "spec.model")))
        yield f"another revision is tried, because of {causes}: {_way(new)}"
    elif (old.rollout, old.analysis) != (new.rollout, new.analysis):
        yield "no pods change for it; the policy holds for the rollout that runs, and for later ones"
    if old is not None and old.model != new.model and new.model.registry is not None and new.model.registry.alias:
        yield "which version that is the registry says"


def _way(spec: ModelDeploymentSpec) -> str:
    strategy, ramp = strategy_for(spec), spec.rollout.ramp
    if ramp is not None:
        first = "copies, then " if strategy.goal(spec, 0).mirrored else ""
        climbs = f"a ramp from {ramp.start_weight} % to {ramp.max_weight} %, 100 %"
        return f"{spec.rollout.strategy}, by {first}{climbs}{_beside(spec)}"
    weights = [strategy.goal(spec, step).weight for step in range(strategy.step_count(spec))]
    shares = ", ".join(f"{weight} %" for weight in (*weights, 100))
    return f"{spec.rollout.strategy}, by {shares}{_beside(spec)}"


def _beside(spec: ModelDeploymentSpec) -> str:
    return ", beside as many fresh pods of stable with the same weight" if asks_baseline(spec) else ""


def _fields(before: Any, after: Any, path: str = "spec") -> Iterator[FieldChange]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in (*before, *(key for key in after if key not in before)):
            yield from _fields(before.get(key), after.get(key), f"{path}.{key}")
    elif before != after:
        yield FieldChange(path, before, after)


def _children(
    namespace: str, name: str, old: ModelDeploymentSpec | None, new: ModelDeploymentSpec
) -> Iterator[ChildChange]:
    before, after = (_rendered(namespace, name, spec) if spec is not None else {} for spec in (old, new))
    for address in (*after, *(address for address in before if address not in after)):
        was, now = before.get(address, ""), after.get(address, "")
        if was == now:
            continue
        action: Action = "create" if not was else "delete" if not now else "change"
        lines = difflib.unified_diff(was.splitlines(), now.splitlines(), lineterm="", n=2)
        diff = "\n".join([*lines][2:]) if action == "change" else now
        yield ChildChange(action, *address, diff)


def _rendered(namespace: str, name: str, spec: ModelDeploymentSpec) -> dict[tuple[str, str], str]:
    """Kind and name -> YAML. What only the operator knows is a placeholder, the same before and after."""
    found = {}
    for child in children_at_rest(namespace, name, spec, _model(spec), _DEFAULTS):
        if child["kind"] == "ControllerRevision":  # the record of what the Deployment has
            continue
        labels = child["metadata"].get("labels") or {}
        revision = labels.get(naming.REVISION) or labels.get(naming.PICKER, "").rpartition("-")[2]
        revision = revision or (child.get("spec", {}).get("selector") or {}).get(naming.REVISION)
        text = yaml.safe_dump(_shown(child), sort_keys=True, width=1000, allow_unicode=True)
        called = child["metadata"]["name"]
        for one in _revisions(child, revision):
            text, called = text.replace(one, _REVISION), called.replace(one, _REVISION)
        found[child["kind"], called] = text
    return found


def _revisions(child: Mapping[str, Any], revision: str | None) -> list[str]:
    """The revision that a child names; a route names it in its backends."""
    if revision is not None:
        return [revision]
    rules = child["spec"].get("rules") or () if child["kind"] in {"HTTPRoute", "GRPCRoute"} else ()
    names = [backend["name"] for rule in rules for backend in rule.get("backendRefs") or ()]
    return sorted({one.rpartition("-")[2] for one in names})


def _shown(child: Mapping[str, Any]) -> dict[str, Any]:
    """Without what the operator adds for its own sake."""
    meta = {key: child["metadata"][key] for key in ("name", "labels", "annotations") if key in child["metadata"]}
    notes = {key: value for key, value in meta.pop("annotations", {}).items() if key != APPLIED}
    return {**child, "metadata": {**meta, **({"annotations": notes} if notes else {})}}


def _model(spec: ModelDeploymentSpec) -> PinnedModel:
    """A model in the place of the one that the operator would pin."""
    source = spec.model
    if source.registry is None:
        return PinnedModel(source.uri or "", source.digest or _DIGEST)
    version = source.registry.version or _VERSION
    secret = source.connection_ref.name if source.connection_ref is not None else None
    uri = f"models:/{source.registry.name}/{version}"
    return PinnedModel(uri, _DIGEST, source.registry.name, version, secret, registry_url=_DEFAULTS.registry_url)
