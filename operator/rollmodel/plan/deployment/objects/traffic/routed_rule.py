"""Changes the backends of a rule that is somebody else's, remembers what was there, and notices who changes it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rollmodel.api.modeldeployment import RoutedRule
from rollmodel.plan import naming
from rollmodel.plan.canonical import canonical_hash
from rollmodel.plan.decision import Ref, SetBackends
from rollmodel.plan.deployment.objects.traffic.services import SERVICE_PORT
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.routers.contention import FREE_REPAIRS, at_peace, pause
from rollmodel.plan.deployment.routers.route_rule import RouteRule, is_plain, rule_of, unusable
from rollmodel.plan.deployment.strategies.split import desired_split
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.times import stamp

__all__ = ["follow_rule", "restored"]

Backends = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class _Place:
    """A rule as it is now."""

    route: Manifest
    index: int
    rule: Manifest

    @property
    def backends(self) -> list[dict[str, Any]]:
        return [dict(one) for one in self.rule.get("backendRefs") or ()]

    def with_backends(self, wanted: Backends) -> SetBackends:
        meta = self.route["metadata"]
        return SetBackends(Ref.of(self.route), meta["resourceVersion"], self.index, self.rule["name"], tuple(wanted))


def follow_rule(rollout: Rollout) -> tuple[Rollout, tuple[SetBackends, ...]]:
    """The rollout with what is remembered of the rule, and the change of it that is due."""
    before, router = rollout.state.routed_rule, rollout.router
    wanted, place = None, None
    if isinstance(router, RouteRule):
        usable = unusable(rollout.live.users_route, router.ref, rollout.owner) is None
        place = _place(rollout.live.users_route, router.ref.rule) if usable else None
        split = desired_split(rollout)
        wanted = router.backends(rollout.owner, split) if split is not None else None
        if before is not None and (before.route, before.rule) != (router.ref.name, router.ref.rule):
            before = None
    elif before is not None:  # another router does it now
        place = _place(rollout.live.users_route, before.rule)
    if place is None:
        return rollout, ()
    after, changes = _followed(rollout, before, place, wanted)
    if after is not None and before is not None and after.repairs > before.repairs:
        message = f"rule {after.rule} of HTTPRoute {after.route} was changed by somebody else"
        ends = "" if after.repairs < FREE_REPAIRS else "; it is left alone for a while"
        rollout = rollout.with_event("Warning", "RouteContended", message + ends)
    return rollout.with_state(routed_rule=after), changes


def _followed(
    rollout: Rollout, before: RoutedRule | None, place: _Place, wanted: Backends | None
) -> tuple[RoutedRule | None, tuple[SetBackends, ...]]:
    live = place.backends
    original = _original(rollout, before, live)
    target = original if wanted is None else list(wanted)
    if live == target:
        return (None if wanted is None else _seen(rollout, before, place, original)), ()
    rule = before or RoutedRule(route=place.route["metadata"]["name"], rule=place.rule["name"], original=original)
    rule = rule.model_copy(update={"original": original})
    if rule.in_force is not None and rule.in_force != canonical_hash(live):
        again = {"repairs": rule.repairs + 1, "repaired_at": stamp(rollout.now), "in_force": None}
        rule = rule.model_copy(update=again)
    if pause(rule, rollout.now) > 0 and rule.in_force is None:
        return rule, ()
    return rule, (place.with_backends(target),)


def _seen(rollout: Rollout, before: RoutedRule | None, place: _Place, original: list[dict[str, Any]]) -> RoutedRule:
    """Our backends are there; after a while of peace it is forgotten that they were not."""
    known = before or RoutedRule(route=place.route["metadata"]["name"], rule=place.rule["name"], original=original)
    calm: dict[str, Any] = {"repairs": 0, "repaired_at": None} if at_peace(known, rollout.now) else {}
    return known.model_copy(update={"in_force": canonical_hash(place.backends), **calm})


def _original(rollout: Rollout, before: RoutedRule | None, live: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What its owner wrote: what is there, where it leads to the main Service, or what was there."""
    if is_plain(live, rollout.owner):
        return live
    return list(before.original) if before is not None else [_plain(rollout.observed.name)]


def _plain(owner: str) -> dict[str, Any]:
    name = naming.shared(owner)
    return {"group": "", "kind": "Service", "name": name, "port": SERVICE_PORT, "weight": 1}


def _place(route: Manifest | None, name: str) -> _Place | None:
    found = rule_of(route, name)
    return None if route is None or found is None else _Place(route, *found)


def restored(rule: RoutedRule, route: Manifest) -> SetBackends | None:
    """What gives a rule back to its owner; None where it is as it was, or is no more."""
    place = _place(route, rule.rule)
    return None if place is None or place.backends == rule.original else place.with_backends(rule.original)
