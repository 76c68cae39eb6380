"""A model that is asleep has a holding page where it was asked for, until its own pods answer again."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.plan import naming

from tests.support.simulation.promises import HOLDING_PAGE
from tests.support.simulation.rollouts import Cluster, spec

PAGE = {"holdingPage": {"retryAfterSeconds": 45}}
ROUTED = {"parentRefs": [{"name": "public"}]}


def serving(traffic: dict[str, Any] | None, scale: dict[str, Any]) -> Cluster:
    found = Cluster(spec(traffic=traffic, scale={"replicas": 2, **scale}), rate=100)
    assert found.run(600, lambda: found.condition("Ready")["status"] == "True")
    return found


def selector(found: Cluster) -> dict[str, str]:
    held: dict[str, str] = found.children["Service", "churn"]["spec"]["selector"]
    return held


@pytest.mark.parametrize("traffic", [ROUTED, None])
def test_it_answers_while_there_are_no_pods_and_goes_when_there_are(traffic: dict[str, Any] | None) -> None:
    found = serving(traffic, PAGE)
    assert HOLDING_PAGE not in found.children
    found.edit(scale={"replicas": 0, **PAGE})
    assert found.run(120, lambda: selector(found) == naming.holding_selector("churn"))
    container = found.children[HOLDING_PAGE]["spec"]["template"]["spec"]["containers"][0]
    assert container["args"] == ["hold", "--port", "8080", "--retry-after", "45"]
    found.run(120)
    if traffic is not None:
        (rule,) = found.children["HTTPRoute", "churn"]["spec"]["rules"]
        assert [backend["name"] for backend in rule["backendRefs"]] == ["churn"]
    before = found.writes
    found.run(300)
    assert found.writes == before
    found.edit(scale={"replicas": 2, **PAGE})
    stable = found.status["stable"]["revision"]
    assert found.run(300, lambda: HOLDING_PAGE not in found.children)
    assert found.served == {stable: 100}
    assert naming.HOLDING not in selector(found)
    assert found.run(120, lambda: found.condition("Ready")["status"] == "True")


def answers(found: Cluster) -> bool:
    """Whether each request now gets an answer by a pod of the model, or by that of the page."""
    ready = {pod.revision for pod in found.pods if pod.ready}
    page = bool(found.children.get(HOLDING_PAGE, {}).get("status", {}).get("readyReplicas"))
    held = page and naming.HOLDING in selector(found)
    return all(revision in ready or (revision == "churn" and held) for revision in found.served or ("churn",))


@pytest.mark.parametrize("lag", [0, 1, 3])
@pytest.mark.parametrize("traffic", [ROUTED, None])
def test_pods_stay_until_the_page_has_their_requests(traffic: dict[str, Any] | None, lag: int) -> None:
    found = serving(traffic, PAGE)
    found.gateway_lag = lag
    found.edit(scale={"replicas": 0, **PAGE})
    said, seen = [], []

    def asleep() -> bool:
        said.append(found.condition("Ready")["reason"])
        seen.append(answers(found))
        return not found.pods

    assert found.run(180, asleep)
    assert all(seen)
    assert said[0] == "ScalingToZero"
    found.run(20)
    assert found.condition("Ready") | {"status": "True", "reason": "ScaledToZero"} == found.condition("Ready")
    assert answers(found)


def test_pods_of_a_candidate_with_traffic_stay_as_long() -> None:
    found = serving(ROUTED, PAGE)
    found.try_version("2")
    assert found.run(7200, found.has_weight)
    found.edit(scale={"replicas": 0, **PAGE})
    seen = []

    def asleep() -> bool:
        seen.append(answers(found))
        return not found.pods

    assert found.run(180, asleep)
    assert all(seen)


@pytest.mark.parametrize("traffic", [ROUTED, None])
def test_no_pod_waits_longer_than_a_minute_for_a_page_that_does_not_come(traffic: dict[str, Any] | None) -> None:
    found = serving(traffic, PAGE)
    found.pages = False
    found.edit(scale={"replicas": 0, **PAGE})
    found.run(50)
    assert len(found.pods) == 2
    found.run(20)
    assert not found.pods
    assert naming.HOLDING not in selector(found)


def test_pods_that_answer_nobody_do_not_wait() -> None:
    found = serving(ROUTED, PAGE)
    found.behave("1", pods="never")
    found.run(20)
    found.edit(scale={"replicas": 0, **PAGE})
    found.run(10)
    assert not found.pods


def test_woken_before_its_pods_went_it_keeps_them() -> None:
    found = serving(ROUTED, PAGE)
    before = {pod.name for pod in found.pods}
    found.edit(scale={"replicas": 0, **PAGE})
    assert found.run(120, lambda: naming.HOLDING in selector(found))
    found.edit(scale={"replicas": 2, **PAGE})
    assert found.run(120, lambda: HOLDING_PAGE not in found.children)
    assert {pod.name for pod in found.pods} == before
    assert found.served == {found.status["stable"]["revision"]: 100}


def test_it_stays_until_the_traffic_has_left_it() -> None:
    found = serving(ROUTED, PAGE)
    found.edit(scale={"replicas": 0, **PAGE})
    assert found.run(120, lambda: naming.HOLDING in selector(found))
    found.gateway_lag = 6
    found.edit(scale={"replicas": 2, **PAGE})
    stable, seen = found.status["stable"]["revision"], []

    def gone() -> bool:
        seen.append(HOLDING_PAGE in found.children or found.served == {stable: 100})
        return HOLDING_PAGE not in found.children

    assert found.run(300, gone)
    assert all(seen)


def test_without_the_field_nothing_is_made() -> None:
    found = serving(ROUTED, {})
    found.edit(scale={"replicas": 0})
    found.run(120)
    assert HOLDING_PAGE not in found.children
    assert naming.HOLDING not in selector(found)
    assert not found.pods


def test_it_goes_when_the_field_goes() -> None:
    found = serving(ROUTED, PAGE)
    found.edit(scale={"replicas": 0, **PAGE})
    assert found.run(120, lambda: naming.HOLDING in selector(found))
    found.edit(scale={"replicas": 0})
    found.run(60)
    assert HOLDING_PAGE not in found.children
    assert naming.HOLDING not in selector(found)


def test_its_pod_is_no_pod_of_a_revision() -> None:
    found = serving(ROUTED, PAGE)
    found.edit(scale={"replicas": 0, **PAGE})
    assert found.run(120, lambda: HOLDING_PAGE in found.children)
    labels = found.children[HOLDING_PAGE]["spec"]["template"]["metadata"]["labels"]
    assert naming.OWNER not in labels
    assert naming.REVISION not in labels
    found.run(120)
    assert found.status["replicas"] == 0


def test_a_version_that_waits_for_pods_is_tried_after_waking() -> None:
    found = serving(ROUTED, PAGE)
    found.edit(scale={"replicas": 0, **PAGE})
    assert found.run(120, lambda: naming.HOLDING in selector(found))
    found.try_version("2")
    found.run(120)
    assert HOLDING_PAGE in found.children
    found.edit(scale={"replicas": 2, **PAGE})
    assert found.run(7200, found.has_weight)
    assert HOLDING_PAGE not in found.children
