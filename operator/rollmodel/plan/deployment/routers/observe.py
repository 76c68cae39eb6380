"""How the traffic is split now, as far as it can be observed.

With routing: read back from the live HTTPRoute, once every Gateway that serves it has taken up that very generation.
Without: from the live Service and the ready pods behind it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rollmodel.api.modeldeployment import ModelDeploymentSpec, ParentRef
from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.live import LiveObjects

__all__ = ["Programmed", "observe", "percentages"]


@dataclass(frozen=True, slots=True)
class Programmed:
    """What the gateways do now.

    ``weights`` are percents by revision, a revision without traffic is absent; None while they are not known.
    """

    weights: Mapping[str, int] | None
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str
    needs_person: bool = False


def observe(spec: ModelDeploymentSpec, live: LiveObjects, *, owner: str, namespace: str, gateway: bool) -> Programmed:
    """The traffic as it is split now; ``gateway``: whether the cluster knows HTTPRoutes."""
    if spec.traffic is None:
        return _behind_service(live)
    if not gateway:
        message = "this cluster has no Gateway API; install it, or omit `traffic` to split by replicas"
        return Programmed({}, "False", "GatewayAPIMissing", message, needs_person=True)
    if live.route is None:
        return Programmed({}, "Unknown", "NoRouteYet", "the route is created once a revision is ready")
    return _routed(live.route, spec.traffic.parent_refs, owner, namespace)


def percentages(parts: Mapping[str, int]) -> dict[str, int]:
    """Whole percents that sum to 100, by largest remainder; empty where all parts are 0."""
    total = sum(parts.values())
    exact = {key: 100 * part / total for key, part in parts.items() if part > 0}
    shares = {key: math.floor(value) for key, value in exact.items()}
    by_remainder = sorted(exact, key=lambda key: (shares[key] - exact[key], key))
    for key in by_remainder[: 100 - sum(shares.values())]:
        shares[key] += 1
    return {key: share for key, share in shares.items() if share}


def _behind_service(live: LiveObjects) -> Programmed:
    """Without routing the main Service chooses pods, and connections spread over them by number."""
    if live.main_service is None:
        return Programmed({}, "Unknown", "NoServiceYet", "the Service is being created")
    chosen = live.main_service["spec"]["selector"].get(naming.REVISION)
    ready = {revision: live.ready(revision) for revision in live.deployments}
    weights = {chosen: 100} if chosen else percentages(ready)
    return Programmed(weights, "True", "OneRevision" if chosen else "SplitByReplicas", _sentence(weights))


def _routed(route: Mapping[str, Any], parents: list[ParentRef], owner: str, namespace: str) -> Programmed:
    verdicts = [_verdict(route, parent, namespace) for parent in parents]
    known = all(reason != _LAGS for reason, _ in verdicts)
    served = any(reason == _SERVES for reason, _ in verdicts)
    weights = (_route_weights(route, owner) if served else {}) if known else None
    for reason, message in verdicts:
        if reason != _SERVES:
            return Programmed(weights, "False", reason, message, needs_person=reason not in {_LAGS, _SILENT})
    return Programmed(weights, "True", _SERVES, _sentence(weights or {}))


_SERVES, _LAGS, _SILENT = "Accepted", "GatewayBehind", "WaitingForGateway"


def _verdict(route: Mapping[str, Any], parent: ParentRef, namespace: str) -> tuple[str, str]:
    """What one Gateway says about the route as it is now: reason and message."""
    mine = [entry for entry in _answers(route) if _is_about(entry["parentRef"], parent, namespace)]
    if not mine:
        return _SILENT, f"no controller has answered for Gateway {parent.name}"
    conditions = [
        c for entry in mine for c in entry.get("conditions") or () if c["type"] in {"Accepted", "ResolvedRefs"}
    ]
    if not conditions or any(c.get("observedGeneration") != route["metadata"].get("generation") for c in conditions):
        return _LAGS, f"Gateway {parent.name} has not taken up the route yet"
    for condition in conditions:
        if condition["status"] != "True":
            return condition["reason"], f"Gateway {parent.name}: {condition.get('message') or condition['reason']}"
    return _SERVES, ""


def _answers(route: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from (route.get("status") or {}).get("parents") or ()


def _is_about(reference: Mapping[str, Any], parent: ParentRef, namespace: str) -> bool:
    return (
        reference["name"] == parent.name
        and reference.get("namespace", namespace) == (parent.namespace or namespace)
        and reference.get("sectionName") == parent.section_name
    )


def _route_weights(route: Mapping[str, Any], owner: str) -> dict[str, int]:
    """Percents by revision; a backend that is not ours counts under its own name."""
    parts: dict[str, int] = {}
    for rule in route["spec"].get("rules") or ():
        for backend in rule.get("backendRefs") or ():
            revision = backend["name"].rpartition("-")[2]
            key = revision if backend["name"] == naming.child(owner, revision) else backend["name"]
            parts[key] = parts.get(key, 0) + int(backend.get("weight", 1))
    return percentages(parts)


def _sentence(weights: Mapping[str, int]) -> str:
    return ", ".join(f"{revision} {weight} %" for revision, weight in sorted(weights.items())) or "nothing is ready"
