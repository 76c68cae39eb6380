"""A router that exists for this test alone, added as CONTRIBUTING.md says: one class and one line in ``ROUTERS``.

It writes the weights into a ConfigMap, as a proxy would read them, and a proxy that is simulated puts them in force.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import pytest
from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.live import LiveObjects
from rollmodel.plan.deployment.objects.meta import Owner, metadata
from rollmodel.plan.deployment.objects.traffic.services import main_service
from rollmodel.plan.deployment.routers import router
from rollmodel.plan.deployment.routers.traffic import Capabilities, ObservedTraffic, Split, weights_line
from rollmodel.plan.manifest import Manifest

from tests.support.simulation.rollouts import TICK, Cluster, spec

PROXY = {"parentRefs": [{"name": "proxy"}]}


class ProxyFile:
    """Weights in a ConfigMap, for specs whose parent is called ``proxy``."""

    kinds: ClassVar[frozenset[str]] = frozenset({"Service", "ConfigMap"})
    capabilities: ClassVar[Capabilities] = Capabilities(
        exact_weights=True, mirror=False, header_match=False, others_must_drain=False, revision_services=False
    )

    @classmethod
    def of(cls, spec: ModelDeploymentSpec) -> Self | None:
        asked = spec.traffic is not None and spec.traffic.gateways[0].name == "proxy"
        return cls() if asked else None

    def pods_for(self, weight: int, full: int) -> int:
        return math.ceil(weight * full / 100)

    def share_of(self, weight: int, full: int) -> float:
        del full
        return weight / 100

    def objects(self, owner: Owner, split: Split, *, installed: bool) -> Iterator[Manifest]:
        del installed
        yield main_service(owner, split.main)
        if split.weights:
            meta = metadata(owner, naming.shared(owner.name))
            yield {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": meta,
                "data": {"weights": json.dumps(split.weights)},
            }

    def live_weights(self, owner: Owner, live: LiveObjects) -> Mapping[str, int]:
        del owner
        weights: dict[str, int] = (
            json.loads(live.shared["ConfigMap"]["data"]["weights"]) if "ConfigMap" in live.shared else {}
        )
        return weights

    def observe(self, owner: Owner, live: LiveObjects, *, installed: bool) -> ObservedTraffic:
        del owner, installed
        if "ConfigMap" not in live.shared:
            return ObservedTraffic({}, "Unknown", "NoFileYet", "the file is written once a revision is ready")
        file = live.shared["ConfigMap"]
        weights = file.get("inForce")
        if weights != json.loads(file["data"]["weights"]):
            return ObservedTraffic(None, "False", "ProxyBehind", "the proxy has not read the file yet")
        return ObservedTraffic(weights, "True", "Read", weights_line(weights))


@dataclass
class Proxied(Cluster):
    """A cluster with that proxy: it reads the file once a tick."""

    def _gateway(self) -> None:
        file = self.children.get(("ConfigMap", "churn"))
        if file is None:
            super()._gateway()
        else:
            file["inForce"] = self.served = json.loads(file["data"]["weights"])

    def _routed(self) -> bool:
        return "inForce" in self.children.get(("ConfigMap", "churn"), {}) or super()._routed()


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Version 1 serves behind the proxy, and has a past."""
    monkeypatch.setattr(router, "ROUTERS", (ProxyFile, *router.ROUTERS))
    proxied = Proxied(spec(traffic=PROXY), rate=1000)
    proxied.behave("1", bad=0.05)
    assert proxied.run(600, lambda: proxied.condition("Ready")["status"] == "True")
    for _ in range(0, 1900, TICK):
        proxied.advance()
    proxied.pass_until_quiet()
    return proxied


def test_a_rollout_goes_through_it(cluster: Cluster) -> None:
    candidate, weights = cluster.try_version("2"), set[int]()

    def over() -> bool:
        weights.add(cluster.served.get(candidate, 0))
        return cluster.arm("stable") == "2" and cluster.over()

    assert cluster.run(7200, over)
    assert weights == {0, 10, 50, 100}
    assert "HTTPRoute" not in {kind for kind, _ in cluster.children}


def test_a_harmful_version_loses_its_weight(cluster: Cluster) -> None:
    candidate = cluster.try_version("2", bad=0.5)
    assert cluster.run(3600, cluster.has_weight)
    assert cluster.run(3600, cluster.over)
    assert cluster.verdicts()[-1] == "RolledBack v2"
    assert candidate not in cluster.served


@pytest.mark.parametrize(
    ("traffic", "kinds"), [(None, set[str]()), ({"parentRefs": [{"name": "public"}]}, {"HTTPRoute"})]
)
def test_its_objects_go_when_another_router_is_asked_for(cluster: Cluster, traffic: Any, kinds: set[str]) -> None:
    cluster.edit(traffic=traffic)
    cluster.run(120)
    assert {kind for kind, _ in cluster.children} & {"ConfigMap", "HTTPRoute"} == kinds
    assert cluster.condition("Ready")["status"] == "True"
    cluster.edit(traffic=PROXY)
    cluster.run(120)
    assert {kind for kind, _ in cluster.children} & {"ConfigMap", "HTTPRoute"} == {"ConfigMap"}
