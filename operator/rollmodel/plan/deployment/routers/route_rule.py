"""Traffic split by one rule of an HTTPRoute that is somebody else's: its backends are ours during a rollout.

At rest the rule is as its owner wrote it: its only backend is the main Service, which selects the stable revision.
That, and a label that brings the route into the watch, is how the owner agrees. Nothing but backends is ever changed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from rollmodel.api.modeldeployment import ModelDeploymentSpec, ParentRef, RouteRef
from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.live import LiveObjects
from rollmodel.plan.deployment.objects.meta import Owner
from rollmodel.plan.deployment.objects.traffic.services import SERVICE_PORT, holding_service, main_service
from rollmodel.plan.deployment.routers.gateway_answers import observed_route
from rollmodel.plan.deployment.routers.route_parts import backends
from rollmodel.plan.deployment.routers.traffic import Capabilities, ObservedTraffic, Split, percentages
from rollmodel.plan.manifest import Manifest

__all__ = ["RouteRule", "is_plain", "rule_of", "unusable"]


@dataclass(frozen=True, slots=True)
class RouteRule:
    """One rule of a route of the user's. Who changes it is ``routed_rule``: it is no child."""

    kinds: ClassVar[frozenset[str]] = frozenset({"Service"})
    capabilities: ClassVar[Capabilities] = Capabilities(
        exact_weights=True, mirror=False, header_match=False, others_must_drain=False, revision_services=True
    )

    ref: RouteRef

    @classmethod
    def of(cls, spec: ModelDeploymentSpec) -> Self | None:
        """Where the spec names a rule."""
        ref = spec.traffic.route_ref if spec.traffic is not None else None
        return None if ref is None else cls(ref)

    def pods_for(self, weight: int, full: int) -> int:
        """Its share of the full size, rounded up."""
        return min(full, math.ceil(weight * full / 100))

    def share_of(self, weight: int, full: int) -> float:
        """The weight itself (0 to 1): the route splits exactly, whatever the pods."""
        del full
        return weight / 100

    def objects(self, owner: Owner, split: Split, *, installed: bool) -> Iterator[Manifest]:
        """The main Service: it has the stable revision."""
        del installed
        yield holding_service(owner) if split.holding else main_service(owner, split.main)

    def backends(self, owner: Owner, split: Split) -> Sequence[Mapping[str, Any]] | None:
        """The backends of the rule; None where those of its owner are right."""
        if split.holding or not split.weights or split.weights == {split.main: 100}:
            return None
        return backends(owner, split.weights, SERVICE_PORT)

    def live_weights(self, owner: Owner, live: LiveObjects) -> Mapping[str, int]:
        """As the live rule has them; the main Service stands for the revision that it selects, if that has pods."""
        found = rule_of(live.users_route, self.ref.rule)
        if found is None or unusable(live.users_route, self.ref, owner) is not None:
            return {}
        parts: dict[str, int] = {}
        for backend in found[1].get("backendRefs") or ():
            revision = _revision(backend, owner, live)
            if revision is not None:
                parts[revision] = parts.get(revision, 0) + int(backend.get("weight", 1))
        return percentages(parts)

    def observe(self, owner: Owner, live: LiveObjects, *, installed: bool) -> ObservedTraffic:
        """Read back from the live rule, once every Gateway of its route has taken up that very generation."""
        if not installed:
            message = "this cluster has no Gateway API, or the operator's is off; omit `traffic` to split by replicas"
            return ObservedTraffic({}, "False", "GatewayAPIMissing", message, needs_person=True)
        problem = unusable(live.users_route, self.ref, owner)
        if live.users_route is None or problem is not None:
            reason, message = problem or ("RouteNotGranted", "")
            return ObservedTraffic(None, "False", reason, message, needs_person=True)
        parents = [_parent(one) for one in live.users_route["spec"].get("parentRefs") or ()]
        return observed_route(live.users_route, parents, owner, self.live_weights(owner, live))


def rule_of(route: Manifest | None, name: str) -> tuple[int, Manifest] | None:
    """Place and content of the rule of this name."""
    rules = enumerate(route["spec"].get("rules") or ()) if route is not None else ()
    return next(((place, rule) for place, rule in rules if rule.get("name") == name), None)


def unusable(route: Manifest | None, ref: RouteRef, owner: Owner) -> tuple[str, str] | None:
    """Reason and message where the rule is not there, or is not given to this ModelDeployment."""
    if route is None:
        label = f"`{naming.MANAGED_BY}: {naming.FIELD_MANAGER}`"
        message = (
            f"namespace {owner.namespace} has no HTTPRoute {ref.name} with the label {label}, by which its owner agrees"
        )
        return "RouteNotGranted", message
    found = rule_of(route, ref.rule)
    if found is None:
        named = ", ".join(str(rule["name"]) for rule in route["spec"].get("rules") or () if rule.get("name"))
        return "RuleNotFound", f"HTTPRoute {ref.name} has no rule with the name {ref.rule}; names: {named or 'none'}"
    service, present = naming.shared(owner.name), found[1].get("backendRefs") or ()
    if is_plain(present, owner) or (present and all(_is_ours(backend, owner) for backend in present)):
        return None
    message = (
        f"the only backend of rule {ref.rule} of HTTPRoute {ref.name} must be Service {service}, port {SERVICE_PORT}:"
        " revisions take its place during a rollout"
    )
    return "RuleNotGranted", message


def is_plain(present: Sequence[Mapping[str, Any]], owner: Owner) -> bool:
    """Whether the only backend is the main Service."""
    return len(present) == 1 and _is_service(present[0]) and _is_main(present[0], owner)


def _is_ours(backend: Mapping[str, Any], owner: Owner) -> bool:
    """Whether it is a revision, or the main Service; also one of a ModelDeployment of this name that is no more."""
    if not _is_service(backend):
        return False
    revision = backend["name"].rpartition("-")[2]
    return _is_main(backend, owner) or backend["name"] == naming.child(owner.name, revision)


def _is_service(backend: Mapping[str, Any]) -> bool:
    elsewhere = backend.get("namespace") is not None
    return (backend.get("group", ""), backend.get("kind", "Service")) == ("", "Service") and not elsewhere


def _is_main(backend: Mapping[str, Any], owner: Owner) -> bool:
    return backend["name"] == naming.shared(owner.name) and backend.get("port") == SERVICE_PORT


def _revision(backend: Mapping[str, Any], owner: Owner, live: LiveObjects) -> str | None:
    if not _is_main(backend, owner):
        return str(backend["name"].rpartition("-")[2])
    chosen: str | None = live.main_service["spec"]["selector"].get(naming.REVISION) if live.main_service else None
    return chosen if chosen is not None and live.ready(chosen) else None


def _parent(reference: Mapping[str, Any]) -> ParentRef:
    """A Gateway of the user's route."""
    return ParentRef.model_construct(
        name=reference["name"], namespace=reference.get("namespace"), section_name=reference.get("sectionName")
    )
