"""Requests through Envoy go where the HTTPRoute says, from the moment that its status says so."""

import threading
from typing import Any

import pytest
from scipy.stats import binom

from tests.support.pods import Kube, Wait

from .conftest import Program, Traffic, ready_endpoints

pytestmark = pytest.mark.cluster

REQUESTS = 1000
# Chance that a correct split falls outside the bounds.
DOUBT = 1e-9


def backend(name: str, weight: int = 1) -> dict[str, Any]:
    return {"name": name, "port": 80, "weight": weight}


def split(*backends: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"backendRefs": list(backends), **more}


def assert_share(count: int, share: float) -> None:
    low, high = binom.ppf([DOUBT / 2, 1 - DOUBT / 2], REQUESTS, share)
    assert low <= count <= high


def test_weights_are_shares_and_change_with_the_status(traffic: Traffic, program: Program) -> None:
    program(split(backend("a", 90), backend("b", 10)))
    counts = traffic.count(REQUESTS)
    assert counts.keys() == {(200, "a"), (200, "b")}
    assert_share(counts[200, "b"], 0.1)
    program(split(backend("a", 100), backend("b", 0)))
    assert traffic.count(REQUESTS) == {(200, "a"): REQUESTS}
    program(split(backend("a", 0), backend("b", 1)))
    assert traffic.count(REQUESTS) == {(200, "b"): REQUESTS}


def test_a_prefix_is_taken_away_where_the_route_says_so(traffic: Traffic, program: Program) -> None:
    path = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}
    rewrite = [{"type": "URLRewrite", "urlRewrite": {"path": path}}]
    matches = [{"path": {"type": "PathPrefix", "value": "/models/v1.0"}}]
    conditions = program(split(backend("a"), matches=matches, filters=rewrite))
    assert conditions["Accepted"]["status"] == "True"
    assert traffic.get("/models/v1.0/echo/me?x=/models/v1.0") == (200, "/echo/me?x=/models/v1.0")
    assert traffic.get("/models/v1.0") == (200, "a")
    assert traffic.get("/models/v1a0/echo")[0] == 404


@pytest.mark.slow
def test_a_prefix_becomes_another_where_the_route_says_so(traffic: Traffic, program: Program) -> None:
    path = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/echo"}
    rewrite = [{"type": "URLRewrite", "urlRewrite": {"path": path}}]
    program(split(backend("a"), matches=[{"path": {"type": "PathPrefix", "value": "/churn/echo"}}], filters=rewrite))
    assert traffic.get("/churn/echo/me?x=1") == (200, "/echo/me?x=1")
    assert traffic.get("/churn/metrics")[0] == 404
    assert traffic.get("/churn/echoes")[0] == 404


def test_no_request_fails_while_weights_change(traffic: Traffic, program: Program) -> None:
    program(split(backend("a", 100), backend("b", 0)))
    done = threading.Event()
    answers: set[tuple[int, str]] = set()

    def send() -> None:
        while not done.is_set():
            answers.update(traffic.count(50))

    sender = threading.Thread(target=send)
    sender.start()
    try:
        for weight in (1, 50, 99, 100, 0):
            program(split(backend("a", 100 - weight), backend("b", weight)))
    finally:
        done.set()
        sender.join()
    assert answers == {(200, "a"), (200, "b")}


def test_a_backend_that_does_not_exist_answers_500_for_its_share(traffic: Traffic, program: Program) -> None:
    conditions = program(split(backend("a", 50), backend("gone", 50)))
    assert conditions["Accepted"]["status"] == "True"
    assert (conditions["ResolvedRefs"]["status"], conditions["ResolvedRefs"]["reason"]) == ("False", "BackendNotFound")
    counts = traffic.count(REQUESTS)
    assert {status for status, _ in counts} == {200, 500}
    assert_share(counts[200, "a"], 0.5)


def test_weights_that_are_all_zero_answer_500(traffic: Traffic, program: Program) -> None:
    program(split(backend("a", 0), backend("b", 0)))
    assert {status for status, _ in traffic.count(20)} == {500}


def test_an_unknown_host_answers_404(traffic: Traffic, program: Program) -> None:
    program(split(backend("a")))
    assert traffic.get(Host="other.example.com")[0] == 404


def test_a_header_chooses_the_arm(traffic: Traffic, program: Program) -> None:
    match = {"headers": [{"name": "X-Arm", "value": "new"}]}
    program(split(backend("a")), split(backend("b"), matches=[match]))
    assert traffic.get() == (200, "a")
    assert traffic.get(**{"x-arm": "new"}) == (200, "b")


def test_a_mirror_gets_copies_and_answers_nobody(
    kube: Kube, traffic: Traffic, program: Program, wait_until: Wait
) -> None:
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "b", "port": 80}}}
    program(split(backend("a"), filters=[mirror]))
    for number in range(20):
        assert traffic.get(f"/copied/{number}") == (200, "a")
    wait_until(lambda: kube.run("logs", "b").count("GET /copied/") == 20)


def test_without_a_ready_endpoint_the_answer_is_503(
    kube: Kube, traffic: Traffic, program: Program, wait_until: Wait
) -> None:
    program(split(backend("b")))
    kube.run("label", "pod", "b", "app-")
    wait_until(lambda: ready_endpoints(kube, "b") == 0)
    wait_until(lambda: traffic.get()[0] == 503)
    kube.run("label", "pod", "b", "app=b")
    wait_until(lambda: traffic.get() == (200, "b"))


def test_a_request_in_flight_outlives_the_gateway_that_takes_it(
    kube: Kube, traffic: Traffic, program: Program, wait_until: Wait
) -> None:
    program(split(backend("a")))
    answers: list[tuple[int, str]] = []
    sender = threading.Thread(target=lambda: answers.append(traffic.get("/slow")))
    sender.start()
    wait_until(lambda: "slow request arrived" in kube.run("logs", "a"))
    kube.cluster.stop_part("gateway")
    sender.join()
    kube.cluster.restart_part("gateway")
    assert answers == [(200, "a")]
    wait_until(lambda: traffic.get() == (200, "a"))


def test_after_a_crash_the_gateway_serves_what_it_served(
    kube: Kube, traffic: Traffic, program: Program, wait_until: Wait
) -> None:
    program(split(backend("b")))
    kube.cluster.kill_part("gateway")
    kube.cluster.restart_part("gateway")
    wait_until(lambda: traffic.get() == (200, "b"))


def test_what_did_not_change_is_not_written(kube: Kube, program: Program) -> None:
    program(split(backend("a")))
    before = kube.get("httproute", "model")["metadata"]["resourceVersion"]
    program(split(backend("b")), name="second")
    program(split(backend("b")), name="third")
    assert kube.get("httproute", "model")["metadata"]["resourceVersion"] == before
