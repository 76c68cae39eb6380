"""Which Services there are: one for clients, and one for each revision where the router sends requests to those."""

from __future__ import annotations

from collections.abc import Callable

from rollmodel.plan.decision import ApplyObject
from rollmodel.plan.deployment.objects.meta import Owner
from rollmodel.plan.deployment.objects.traffic.services import revision_service

from tests.support.simulation.past import let_serve
from tests.support.simulation.rollouts import Cluster

Serving = Callable[..., Cluster]


def services(cluster: Cluster) -> set[str]:
    return {name for kind, name in cluster.children if kind == "Service"}


def test_where_replicas_split_the_traffic_there_is_one_service(serving: Serving) -> None:
    cluster = serving(traffic=None)
    assert services(cluster) == {"churn"}
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    assert services(cluster) == {"churn"}
    assert cluster.run(7200, cluster.over)
    assert (cluster.arm("stable"), services(cluster)) == ("2", {"churn"})


def test_a_route_comes_after_the_service_that_it_leads_to(serving: Serving) -> None:
    cluster = serving(traffic=None)
    cluster.edit(traffic={"parentRefs": [{"name": "public"}]})
    revision = cluster.revision_of("1")
    applied = [effect.manifest for effect in cluster.reconcile().of(ApplyObject)]
    names = [(one["kind"], one["metadata"]["name"]) for one in applied]
    assert names.index(("Service", f"churn-{revision}")) < names.index(("HTTPRoute", "churn"))
    let_serve(cluster)


def test_services_that_an_earlier_release_made_stay_until_their_revision_goes(serving: Serving) -> None:
    cluster = serving(traffic=None)
    left = revision_service(Owner("prod", "churn", "uid-0"), cluster.revision_of("1"))
    cluster._apply(left)
    cluster.pass_until_quiet()
    assert services(cluster) == {"churn", left["metadata"]["name"]}
    cluster.try_version()
    assert cluster.run(7200, lambda: cluster.arm("stable") == "2" and cluster.over())
    assert cluster.run(600, lambda: services(cluster) == {"churn"})
