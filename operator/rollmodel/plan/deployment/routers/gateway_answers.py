"""What Gateways say about an HTTPRoute, and the weights that are in force by that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rollmodel.api.modeldeployment import ParentRef
from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.meta import Owner
from rollmodel.plan.deployment.routers.traffic import ObservedTraffic, percentages, weights_line
from rollmodel.plan.manifest import Manifest

__all__ = ["observed_route", "route_weights"]

_ACCEPTED, _BEHIND, _NO_ANSWER = "Accepted", "GatewayBehind", "WaitingForGateway"


def observed_route(
    route: Manifest, parents: Sequence[ParentRef], owner: Owner, asked: Mapping[str, int] | None = None
) -> ObservedTraffic:
    """The weights of a live route, known once every Gateway has taken up its present generation.

    ``asked`` are the weights that it asks for, where they are not those of all its rules.
    """
    verdicts = [_verdict(route, parent, owner.namespace) for parent in parents]
    known = all(reason != _BEHIND for reason, _ in verdicts)
    served = any(reason == _ACCEPTED for reason, _ in verdicts)
    asked = route_weights(route, owner.name) if asked is None else dict(asked)
    weights = (asked if served else {}) if known else None
    generation = route["metadata"].get("generation")
    for reason, message in verdicts:
        if reason != _ACCEPTED:
            waits = reason in {_BEHIND, _NO_ANSWER}
            return ObservedTraffic(
                weights, "False", reason, message, needs_person=not waits, waits=waits, generation=generation
            )
    return ObservedTraffic(weights, "True", _ACCEPTED, weights_line(weights or {}), generation=generation)


def _verdict(route: Manifest, parent: ParentRef, namespace: str) -> tuple[str, str]:
    """What one Gateway says about the route as it is now: reason and message."""
    mine = [entry for entry in _answers(route) if _is_about(entry["parentRef"], parent, namespace)]
    if not mine:
        place = parent.namespace or namespace
        hint = "" if parent.namespace else ", or set `namespace` in traffic.parentRefs"
        return _NO_ANSWER, f"no controller has answered for Gateway {parent.name} in namespace {place}: create it{hint}"
    current = [found for entry in mine if (found := _current(entry, route["metadata"].get("generation")))]
    if not current:
        return _BEHIND, f"Gateway {parent.name}{_controllers(mine)} has not taken up the route yet"
    for condition in (condition for conditions in current for condition in conditions):
        if condition["status"] != "True":
            return condition["reason"], f"Gateway {parent.name}: {condition.get('message') or condition['reason']}"
    return _ACCEPTED, ""


def _current(entry: Mapping[str, Any], generation: object) -> list[Mapping[str, Any]]:
    """What one controller says about this generation; nothing where it lags, or has gone and left its entry behind."""
    conditions = [one for one in entry.get("conditions") or () if one["type"] in {"Accepted", "ResolvedRefs"}]
    return conditions if all(one.get("observedGeneration") == generation for one in conditions) else []


def _controllers(entries: Sequence[Mapping[str, Any]]) -> str:
    names = sorted({str(entry["controllerName"]) for entry in entries if entry.get("controllerName")})
    return f" (controller {', '.join(names)})" if names else ""


def _answers(route: Manifest) -> Iterator[Mapping[str, Any]]:
    yield from (route.get("status") or {}).get("parents") or ()


def _is_about(reference: Mapping[str, Any], parent: ParentRef, namespace: str) -> bool:
    return (
        reference["name"] == parent.name
        and reference.get("namespace", namespace) == (parent.namespace or namespace)
        and reference.get("sectionName") == parent.section_name
    )


def route_weights(route: Manifest, owner: str) -> dict[str, int]:
    """Percents by revision; a backend that is not ours counts under its own name."""
    parts: dict[str, int] = {}
    for rule in route["spec"].get("rules") or ():
        for backend in rule.get("backendRefs") or ():
            revision = backend["name"].rpartition("-")[2]
            key = revision if backend["name"] == naming.child(owner, revision) else backend["name"]
            parts[key] = parts.get(key, 0) + int(backend.get("weight", 1))
    return percentages(parts)
