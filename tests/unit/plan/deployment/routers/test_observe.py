"""The traffic as it is observed: never taken from what we wish, and unknown while a gateway lags."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rollmodel.plan.deployment.objects.live import LiveObjects
from rollmodel.plan.deployment.routers.observe import Programmed, observe, percentages

from tests.support.simulation.rollouts import spec

OLD, NEW = "bbbbbbbb", "cccccccc"
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


def look(live: dict[str, Any] | None, parents: tuple[str, ...] = ("public",), *, gateway: bool = True) -> Programmed:
    wanted = spec(traffic={"parentRefs": [{"name": name} for name in parents]})
    return observe(wanted, LiveObjects(route=live), owner="churn", namespace="prod", gateway=gateway)


def test_weights_are_read_back_once_the_gateway_took_them_up() -> None:
    seen = look(route(answer()))
    assert (seen.status, seen.weights) == ("True", {OLD: 75, NEW: 25})


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
    seen = look(live)
    assert (seen.reason, seen.weights) == (reason, weights)
    assert seen.status != "True"


def test_every_gateway_must_have_taken_it_up() -> None:
    both = ("public", "internal")
    assert look(route(answer(), answer("internal")), both).status == "True"
    assert look(route(answer(), answer("internal", generation=3)), both).weights is None
    rejected = look(route(answer(), answer("internal", status="False", reason="NoMatchingParent")), both)
    assert (rejected.status, rejected.weights, rejected.needs_person) == ("False", {OLD: 75, NEW: 25}, True)


def test_a_cluster_without_gateway_api_needs_a_person() -> None:
    seen = look(None, gateway=False)
    assert (seen.reason, seen.needs_person) == ("GatewayAPIMissing", True)


def test_a_foreign_backend_takes_its_share() -> None:
    backends = [{"name": f"churn-{OLD}", "weight": 1}, {"name": "somebody", "weight": 1}]
    assert look(route(answer(), backends=backends)).weights == {OLD: 50, "somebody": 50}


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
    world = LiveObjects(
        main_service={"spec": {"selector": selector}},
        deployments={revision: {"status": {"readyReplicas": count}} for revision, count in ready.items()},
    )
    seen = observe(spec(traffic=None), world, owner="churn", namespace="prod", gateway=True)
    assert (seen.status, seen.weights) == ("True", weights)


@given(st.dictionaries(st.text(max_size=2), st.integers(0, 50), max_size=6))
def test_percentages_sum_to_100(parts: dict[str, int]) -> None:
    shares = percentages(parts)
    assert sum(shares.values()) == (100 if any(parts.values()) else 0)
    assert set(shares) <= {key for key, part in parts.items() if part}
    total = sum(parts.values())
    assert all(abs(share - 100 * parts[key] / total) < 1 for key, share in shares.items())
