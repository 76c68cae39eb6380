"""In which order children are applied."""

from __future__ import annotations

from collections.abc import Callable

from rollmodel.plan.decision import ApplyObject, Decision
from rollmodel.plan.deployment.decide import decide

from tests.support.simulation.rollouts import Cluster, spec

Serving = Callable[..., Cluster]


def applied(decision: Decision) -> list[ApplyObject]:
    return list(decision.of(ApplyObject))


def kinds(decision: Decision) -> list[str]:
    return [effect.manifest["kind"] for effect in applied(decision)]


def test_a_candidate_loses_traffic_before_anything_else_is_touched(serving: Serving) -> None:
    cluster = serving()
    revision = cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.edit(scale={"replicas": 3})
    cluster.command("abort", revision)
    decision = cluster.reconcile()
    assert kinds(decision)[0] == "HTTPRoute"
    assert "Deployment" in kinds(decision)
    assert applied(decision)[0].needs == frozenset()


def test_a_candidate_is_given_traffic_after_its_pods_and_with_its_service_only(serving: Serving) -> None:
    cluster = serving()
    revision = cluster.try_version()
    while cluster.step != 0:
        cluster.advance()
        decision = cluster.reconcile()
    while "HTTPRoute" not in kinds(decision):
        cluster.advance()
        decision = cluster.reconcile()
    route = applied(decision)[-1]
    assert route.manifest["kind"] == "HTTPRoute"
    assert [(need.kind, need.name) for need in route.needs] == [("Service", f"churn-{revision}")]


def test_pods_of_a_first_revision_come_before_all_else() -> None:
    decision = Cluster(spec()).reconcile()
    assert kinds(decision) == ["Deployment", "ControllerRevision", "Service", "Service"]


def test_with_replicas_the_service_leaves_the_candidate_first(serving: Serving) -> None:
    cluster = serving(traffic=None)
    revision = cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.edit(scale={"replicas": 3})
    cluster.command("abort", revision)
    decision = decide(cluster.observe())
    first = applied(decision)[0].manifest
    assert (first["kind"], first["metadata"]["name"]) == ("Service", "churn")
    assert "Deployment" in kinds(decision)
