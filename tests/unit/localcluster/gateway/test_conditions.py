"""What status says, and that nothing is written twice."""

from typing import Any

import pytest

from localcluster.gateway.conditions import status_changes
from localcluster.gateway.snapshot import CONTROLLER, Snapshot
from localcluster.gateway.translation import translate

from .snapshots import CLASS, backend, gateway, listener, route, snapshot

NOW = "2026-01-02T00:00:00Z"
LATER = "2026-01-03T00:00:00Z"
RULE = {"backendRefs": [backend("a")]}


def changes(objects: Snapshot, time: str = NOW) -> dict[str, dict[str, Any]]:
    _, verdicts = translate(objects)
    return {
        change.resource: change.status for change in status_changes(objects, verdicts, address="127.0.0.1", time=time)
    }


def conditions(status: dict[str, Any]) -> dict[str, tuple[str, str, int]]:
    return {c["type"]: (c["status"], c["reason"], c["observedGeneration"]) for c in status["conditions"]}


def written(objects: Snapshot) -> Snapshot:
    """The same snapshot after all statuses have been written."""
    found = changes(objects)
    return Snapshot(
        classes=[item | {"status": found["gatewayclasses"]} for item in objects.classes],
        gateways=[item | {"status": found["gateways"]} for item in objects.gateways],
        routes=[item | {"status": found["httproutes"]} for item in objects.routes],
        services=objects.services,
    )


def test_a_good_route() -> None:
    found = changes(snapshot(route(RULE)))
    assert conditions(found["gatewayclasses"]) == {"Accepted": ("True", "Accepted", 1)}
    assert conditions(found["gateways"]) == {
        "Accepted": ("True", "Accepted", 1),
        "Programmed": ("True", "Programmed", 1),
    }
    assert found["gateways"]["addresses"] == [{"type": "IPAddress", "value": "127.0.0.1"}]
    assert [item["attachedRoutes"] for item in found["gateways"]["listeners"]] == [1]
    [parent] = found["httproutes"]["parents"]
    assert (parent["parentRef"], parent["controllerName"]) == ({"name": "public"}, CONTROLLER)
    assert conditions(parent) == {"Accepted": ("True", "Accepted", 1), "ResolvedRefs": ("True", "ResolvedRefs", 1)}


@pytest.mark.parametrize(
    ("rule", "spec", "accepted", "resolved"),
    [
        ({"backendRefs": [backend("gone")]}, {}, "Accepted", "BackendNotFound"),
        ({"backendRefs": [backend("gone", 0)]}, {}, "Accepted", "BackendNotFound"),
        ({"backendRefs": [backend("a", namespace="x")]}, {}, "Accepted", "RefNotPermitted"),
        (RULE, {"parentRefs": [{"name": "public", "sectionName": "x"}]}, "NoMatchingParent", "ResolvedRefs"),
        (RULE | {"filters": [{"type": "RequestRedirect"}]}, {}, "UnsupportedValue", "ResolvedRefs"),
    ],
)
def test_what_is_wrong_is_told(rule: Any, spec: Any, accepted: str, resolved: str) -> None:
    [parent] = changes(snapshot(route(rule, **spec)))["httproutes"]["parents"]
    reasons = {kind: reason for kind, (_, reason, _) in conditions(parent).items()}
    assert reasons == {"Accepted": accepted, "ResolvedRefs": resolved}
    truth = {kind: status for kind, (status, _, _) in conditions(parent).items()}
    assert truth == {"Accepted": str(accepted == "Accepted"), "ResolvedRefs": str(resolved == "ResolvedRefs")}


def test_a_listener_that_is_not_served() -> None:
    found = changes(snapshot(gateways=[gateway(listener("tls", protocol="HTTPS"), listener())]))["gateways"]
    assert conditions(found)["Accepted"][:2] == ("False", "ListenersNotValid")
    tls, http = found["listeners"]
    assert conditions(tls)["Accepted"][:2] == ("False", "UnsupportedProtocol")
    assert conditions(tls)["Programmed"][:2] == ("False", "Invalid")
    assert (tls["supportedKinds"], len(http["supportedKinds"])) == ([], 2)
    assert conditions(http)["Programmed"][:2] == ("True", "Programmed")


def test_nothing_is_written_when_nothing_changed() -> None:
    assert changes(written(snapshot(route(RULE))), LATER) == {}


def test_a_new_generation_is_observed_and_keeps_the_transition_time() -> None:
    before = written(snapshot(route(RULE)))
    [item] = before.routes
    item["metadata"] |= {"generation": 2}
    found = changes(before, LATER)
    assert list(found) == ["httproutes"]
    for condition in found["httproutes"]["parents"][0]["conditions"]:
        assert (condition["observedGeneration"], condition["lastTransitionTime"]) == (2, NOW)


def test_a_change_of_mind_has_a_new_transition_time() -> None:
    before = written(snapshot(route(RULE)))
    found = changes(Snapshot(before.classes, before.gateways, before.routes), LATER)["httproutes"]
    times = {c["type"]: (c["status"], c["lastTransitionTime"]) for c in found["parents"][0]["conditions"]}
    assert times == {"Accepted": ("True", NOW), "ResolvedRefs": ("False", LATER)}


def test_what_other_controllers_wrote_stays() -> None:
    other = {"parentRef": {"name": "x"}, "controllerName": "example.com/other", "conditions": []}
    found = route(RULE) | {"status": {"parents": [other]}}
    assert changes(snapshot(found))["httproutes"]["parents"][0] == other


def test_a_route_that_left_us_is_cleared_of_our_words() -> None:
    before = written(snapshot(route(RULE)))
    [item] = before.routes
    item["spec"]["parentRefs"] = [{"name": "elsewhere"}]
    assert changes(before)["httproutes"] == {"parents": []}


def test_a_route_that_never_was_ours_is_not_touched() -> None:
    assert "httproutes" not in changes(snapshot(route(RULE, parentRefs=[{"name": "elsewhere"}])))


def test_gateways_of_other_classes_are_not_touched() -> None:
    assert list(changes(snapshot(route(RULE), gateways=[gateway(class_name="other")]))) == ["gatewayclasses"]
    assert CLASS["spec"]["controllerName"] == CONTROLLER
