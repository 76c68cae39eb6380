"""The traffic as it is observed: never taken from what is only desired, and unknown while a gateway lags."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rollmodel.plan.deployment.objects.live import LiveObjects
from rollmodel.plan.deployment.objects.meta import Owner
from rollmodel.plan.deployment.routers.router import router_for
from rollmodel.plan.deployment.routers.traffic import ObservedTraffic, percentages

from tests.support.simulation.rollouts import spec

OLD, NEW = "bbbbbbbb", "cccccccc"
OWNER = Owner("prod", "churn", "uid-0")
BACKENDS = [{"name": f"churn-{OLD}", "weight": 3}, {"name": f"churn-{NEW}", "weight": 1}]


def answer(name: str = "public", generation: int = 4, **changes: Any) -> dict[str, Any]:
    """What a gateway says about the route."""
    accepted = {"type": "Accepted", "status": "True", "reason": "Accepted", "observedGeneration": generation, **changes}
    resolved = {"type": "ResolvedRefs", "status": "True", "reason": "ResolvedRefs", "observedGeneration": generation}
    return {"parentRef": {"name": name}, "conditions": [accepted, resolved]}


def route(*answers: dict[str, Any], backends: list[dict[str, Any]] = BACKENDS) -> dict[str, Any]:
    return {
        "kind": "HTTPRoute",
        "metadata": {"name": "churn", "generation": 4},
        "spec": {"rules": [{"backendRefs": backends}]},
        "status": {"parents": list(answers)},
    }


def observed(
    live: dict[str, Any] | None, parents: tuple[str, ...] = ("public",), *, gateway: bool = True
) -> ObservedTraffic:
    router = router_for(spec(traffic={"parentRefs": [{"name": name} for name in parents]}))
    return router.observe(OWNER, LiveObjects(shared={"HTTPRoute": live} if live else {}), installed=gateway)


def test_weights_are_read_back_once_the_gateway_took_them_up() -> None:
    seen = observed(route(answer()))
    assert (seen.status, seen.weights, seen.generation) == ("True", {OLD: 75, NEW: 25}, 4)


@pytest.mark.parametrize(
    ("live", "reason", "weights"),
    [
        (None, "NoRouteYet", {}),
        (route(), "WaitingForGateway", {}),
        (route(answer(generation=3)), "GatewayBehind", None),
        (route({"parentRef": {"name": "public"}}), "GatewayBehind", None),
        (route(answer(status="False", reason="NotAllowedByListeners")), "NotAllowedByListeners", {}),
        (route(answer(name="another")), "WaitingForGateway", {}),
    ],
)
def test_otherwise_nothing_is_claimed(live: dict[str, Any] | None, reason: str, weights: dict[str, int] | None) -> None:
    seen = observed(live)
    assert (seen.reason, seen.weights) == (reason, weights)
    assert seen.status != "True"


def test_every_gateway_must_have_taken_it_up() -> None:
    both = ("public", "internal")
    assert observed(route(answer(), answer("internal")), both).status == "True"
    assert observed(route(answer(), answer("internal", generation=3)), both).weights is None
    rejected = observed(route(answer(), answer("internal", status="False", reason="NoMatchingParent")), both)
    assert (rejected.status, rejected.weights, rejected.needs_person) == ("False", {OLD: 75, NEW: 25}, True)


def test_an_entry_of_a_controller_that_has_gone_does_not_count() -> None:
    stale = {**answer(generation=1), "controllerName": "old.example/controller"}
    refused = {**stale, "conditions": [{**one, "status": "False", "reason": "Old"} for one in stale["conditions"]]}
    current = {**answer(), "controllerName": "now.example/controller"}
    for entries in ((stale, current), (current, stale), (refused, current)):
        assert (observed(route(*entries)).status, observed(route(*entries)).weights) == ("True", {OLD: 75, NEW: 25})


def test_who_lags_is_named() -> None:
    behind = {**answer(generation=0), "controllerName": "now.example/controller"}
    seen = observed(route(behind))
    assert (seen.reason, seen.weights, seen.waits) == ("GatewayBehind", None, True)
    assert "public (controller now.example/controller) has not taken up the route yet" in seen.message
    assert observed(route()).waits
    assert not observed(route(answer())).waits


def test_a_cluster_without_gateway_api_needs_a_person() -> None:
    seen = observed(None, gateway=False)
    assert (seen.reason, seen.needs_person) == ("GatewayAPIMissing", True)


def test_a_foreign_backend_takes_its_share() -> None:
    backends = [{"name": f"churn-{OLD}", "weight": 1}, {"name": "somebody", "weight": 1}]
    assert observed(route(answer(), backends=backends)).weights == {OLD: 50, "somebody": 50}


@pytest.mark.parametrize(
    ("selector", "ready", "weights"),
    [
        ({"rollmodel.dev/revision": OLD}, {OLD: 3, NEW: 1}, {OLD: 100}),
        ({}, {OLD: 3, NEW: 1}, {OLD: 75, NEW: 25}),
        ({}, {OLD: 2, NEW: 1}, {OLD: 67, NEW: 33}),
        ({}, {OLD: 0, NEW: 0}, {}),
    ],
)
def test_without_routing_pods_share_by_number(
    selector: dict[str, str], ready: dict[str, int], weights: dict[str, int]
) -> None:
    live = LiveObjects(
        shared={"Service": {"spec": {"selector": selector}}},
        deployments={revision: {"status": {"readyReplicas": count}} for revision, count in ready.items()},
    )
    seen = router_for(spec(traffic=None)).observe(OWNER, live, installed=True)
    assert (seen.status, seen.weights) == ("True", weights)


@given(st.dictionaries(st.text(max_size=2), st.integers(0, 50), max_size=6))
def test_percentages_sum_to_100(parts: dict[str, int]) -> None:
    shares = percentages(parts)
    assert sum(shares.values()) == (100 if any(parts.values()) else 0)
    assert set(shares) <= {key for key, part in parts.items() if part}
    total = sum(parts.values())
    assert all(abs(share - 100 * parts[key] / total) < 1 for key, share in shares.items())
