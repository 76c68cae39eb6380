"""A GRPCRoute splits traffic as an HTTPRoute does; what is published are services and methods."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from rollmodel.api.modeldeployment import RuntimePreset
from rollmodel.errors import Invalid
from rollmodel.plan.deployment.decide import decide
from rollmodel.plan.deployment.objects import revision as revisions
from rollmodel.plan.deployment.runtimes import PRESETS

from tests.support.simulation.rollouts import DEFAULTS, TICK, Cluster, model, spec

TRITON = {"preset": "Triton", "image": "example.com/triton:25.08"}
CUSTOM = {"preset": "Custom", "image": "example.com/own:1", "grpcPort": 9000}
GRPC = {"parentRefs": [{"name": "public"}], "protocol": "GRPC"}
ROUTE = ("GRPCRoute", "churn")


def cluster(**changes: Any) -> Cluster:
    """Version 1 serves behind a GRPCRoute, and has a past."""
    return _cluster(**changes) if changes else deepcopy(_usual())


@cache
def _usual() -> Cluster:
    return _cluster()


def _cluster(**changes: Any) -> Cluster:
    found = Cluster(spec(**{"traffic": GRPC, "runtime": TRITON, **changes}), rate=1000)
    found.behave("1", bad=0.05)
    assert found.run(600, lambda: found.condition("Ready")["status"] == "True")
    for _ in range(0, 1900, TICK):
        found.advance()
    found.pass_until_quiet()
    return found


def rules(found: Cluster) -> list[dict[str, Any]]:
    held: list[dict[str, Any]] = found.children[ROUTE]["spec"]["rules"]
    return held


def test_a_rollout_goes_through_it() -> None:
    found = cluster()
    candidate, weights = found.try_version("2"), set[int]()

    def over() -> bool:
        weights.add(found.served.get(candidate, 0))
        return found.arm("stable") == "2" and found.over()

    assert found.run(7200, over)
    assert weights == {0, 10, 50, 100}
    assert {kind for kind, _ in found.children} & {"HTTPRoute", "GRPCRoute"} == {"GRPCRoute"}


def test_a_harmful_version_loses_its_weight() -> None:
    found = cluster()
    candidate = found.try_version("2", bad=0.5)
    assert found.run(3600, found.has_weight)
    assert found.run(3600, found.over)
    assert found.verdicts()[-1] == "RolledBack v2"
    assert candidate not in found.served


def test_predictions_are_published_and_the_repository_is_not() -> None:
    (rule,) = rules(cluster())
    service = "inference.GRPCInferenceService"
    assert [match["method"] for match in rule["matches"]] == [
        {"type": "Exact", "service": service, "method": method}
        for method in ("ModelInfer", "ModelStreamInfer", "ModelMetadata")
    ]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (None, None),
        (["/"], None),
        (["/", "/own.Service"], None),
        (["/own.Service"], [{"method": {"type": "Exact", "service": "own.Service"}}]),
        (["/own.Service/Ask"], [{"method": {"type": "Exact", "service": "own.Service", "method": "Ask"}}]),
    ],
)
def test_paths_are_services_and_methods(paths: list[str] | None, expected: Any) -> None:
    (rule,) = rules(cluster(runtime=CUSTOM, traffic={**GRPC, "paths": paths} if paths else GRPC))
    assert rule.get("matches") == expected


def test_services_say_that_they_speak_http_2() -> None:
    found = cluster()
    stable = found.status["stable"]["revision"]
    port = {"name": "grpc", "port": 8001, "targetPort": 8001, "appProtocol": "kubernetes.io/h2c", "protocol": "TCP"}
    for name in ("churn", f"churn-{stable}"):
        assert found.children["Service", name]["spec"]["ports"][1:] == [port]
    (backend,) = rules(found)[0]["backendRefs"]
    assert backend == {"group": "", "kind": "Service", "name": f"churn-{stable}", "port": 8001, "weight": 100}


def test_each_revision_is_asked_where_its_own_pods_listen() -> None:
    found = cluster(runtime=CUSTOM)
    old = found.status["stable"]["revision"]
    found.edit(runtime={**CUSTOM, "grpcPort": 9001})
    new = found.behave("1", bad=0.05)
    assert found.run(3600, lambda: ("Service", f"churn-{new}") in found.children)
    ports = {one: found.children["Service", f"churn-{one}"]["spec"]["ports"][1]["targetPort"] for one in (old, new)}
    assert ports == {old: 9000, new: 9001}
    assert found.children["Service", "churn"]["spec"]["ports"][1]["targetPort"] == 9000


def test_pods_of_an_earlier_release_are_found_by_the_port_of_the_preset() -> None:
    found = cluster(traffic={"parentRefs": [{"name": "public"}]})
    stable = found.status["stable"]["revision"]
    record = found.children["ControllerRevision", f"churn-{stable}"]
    container = record["data"]["template"]["spec"]["containers"][0]
    container["ports"] = [port for port in container["ports"] if port["name"] != "grpc"]
    found.status["records"] = [{"revision": stable, "hash": revisions.content_hash(record)}]
    found.edit(traffic=GRPC)
    found.run(120)
    assert found.children["Service", f"churn-{stable}"]["spec"]["ports"][1]["targetPort"] == 8001
    assert found.served == {stable: 100}


def test_copies_and_clients_with_a_mark_are_told_apart() -> None:
    found = cluster(rollout={"strategy": "Shadow", "shadow": {"percent": 20}, "warmUpSeconds": 20})
    candidate = found.try_version("2")
    assert found.run(3600, lambda: found.mirrored == {candidate: 20})
    mark = {"name": "x-group", "value": "b"}
    metrics = [{"name": "errors", "preset": "Errors"}]
    test = {"strategy": "ABTest", "abTest": {"header": mark}}
    found = cluster(rollout=test, analysis={"metrics": metrics})
    found.try_version("2")
    assert found.run(3600, lambda: len(rules(found)) == 2)
    assert all(one["headers"] == [{"type": "Exact", **mark}] for one in rules(found)[0]["matches"])
    assert not any("headers" in one for one in rules(found)[1]["matches"])


def test_where_the_kind_is_missing_the_condition_says_what_helps() -> None:
    found = Cluster(spec(traffic=GRPC, runtime=TRITON))
    found.run(120)
    decision = decide(replace(found.observe(), missing_kinds=frozenset({"GRPCRoute"})))
    stalled = next(one for one in decision.status["conditions"] if one["type"] == "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "GatewayAPIMissing")
    assert "features.grpcRoutes" in stalled["message"]


def test_nothing_is_written_at_rest() -> None:
    found = cluster()
    before = found.writes
    found.run(600)
    assert found.writes == before


def test_the_kind_of_route_follows_the_spec() -> None:
    found = cluster()
    for traffic, kind in (({"parentRefs": [{"name": "public"}]}, "HTTPRoute"), (GRPC, "GRPCRoute")):
        found.edit(traffic=traffic)
        found.run(120)
        assert {one for one, _ in found.children} & {"HTTPRoute", "GRPCRoute"} == {kind}
        assert found.condition("Ready")["status"] == "True"


@pytest.mark.parametrize("preset", [one for one, known in PRESETS.items() if known.grpc_port])
def test_servers_are_told_the_port(preset: RuntimePreset) -> None:
    runtime = {"preset": preset.value, "image": "example.com/server:1", "grpcPort": 9555}
    template = revisions.wanted("churn", spec(runtime=runtime), model("1"), DEFAULTS).template
    container = template["spec"]["containers"][0]
    told = [*container.get("args", ()), *(f"{one['name']}={one['value']}" for one in container["env"])]
    assert [one for one in told if one.endswith("=9555")]
    assert {"name": "grpc", "containerPort": 9555, "protocol": "TCP"} in container["ports"]


def test_a_server_without_http_is_asked_by_its_health_protocol() -> None:
    def probe(**more: Any) -> Any:
        runtime = {**CUSTOM, **more}
        container = revisions.wanted("churn", spec(runtime=runtime), model("1"), DEFAULTS).template["spec"][
            "containers"
        ][0]
        return {key: container["readinessProbe"].get(key) for key in ("grpc", "httpGet")}

    assert probe() == {"grpc": {"port": 9000}, "httpGet": None}
    assert probe(readinessPath="/up") == {"grpc": None, "httpGet": {"path": "/up", "port": "http"}}


def test_a_port_for_two_protocols_is_refused() -> None:
    with pytest.raises(Invalid, match=r"runtime\.grpcPort"):
        revisions.wanted("churn", spec(runtime={**TRITON, "grpcPort": 8002}), model("1"), DEFAULTS)


def test_a_baseline_gets_its_share_by_it() -> None:
    found = cluster()
    found.edit(rollout={**found.spec.rollout.to_wire(), "baseline": "Fresh"})
    candidate, weights = found.try_version("2"), set[tuple[int, int]]()

    def over() -> bool:
        if found.baseline:
            weights.add((found.served.get(candidate, 0), found.served.get(found.baseline, 0)))
            ports = found.children["Service", f"churn-{found.baseline}"]["spec"]["ports"]
            assert [port["name"] for port in ports] == ["http", "grpc"]
        return found.arm("stable") == "2" and found.over()

    assert found.run(7200, over)
    assert {(0, 0), (10, 10), (50, 50)} <= weights <= {(0, 0), (10, 10), (50, 50), (100, 0)}
