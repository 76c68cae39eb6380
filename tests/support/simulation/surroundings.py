"""What is around a ModelDeployment in memory: children, their pods, a gateway."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.baseline import BASELINE_OF
from rollmodel.plan.deployment.routers.traffic import percentages

from tests.support.simulation.gateways import parents
from tests.support.simulation.pods import Pod
from tests.support.simulation.promises import (
    HOLDING_PAGE,
    ROUTE_KINDS,
    is_of_revision,
    route_mirrors,
    route_weights,
)
from tests.support.simulation.scraped import START, TICK, ScrapedPods

__all__ = ["START", "TICK", "Surroundings"]


@dataclass(kw_only=True)
class Surroundings(ScrapedPods):
    """Time is ``now``; whoever lets it pass calls what follows."""

    rate: float = 100.0
    chance: np.random.Generator | None = None
    """Where it is set, requests come independently of each other, else evenly."""
    gateway_lag: int = 1
    gateway: str = "plain"
    """In whose manner the Gateway answers: one of ``gateways.GATEWAYS``."""
    children: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    served: dict[str, int] = field(default_factory=dict)
    """The weights that the gateway has in force."""
    given: dict[str, float] = field(default_factory=dict)
    """What the gateway gives a revision in truth, in percent, where that is something else than the weight in force."""
    mirrored: dict[str, int] = field(default_factory=dict)
    """Percent of the requests that the gateway copies to a revision."""
    mirrors: bool = True
    """Whether the gateway copies; one that does not may ignore what it is asked for."""
    pages: bool = True
    """Whether the pod of a holding page gets ready."""
    picks: bool = True
    """Whether endpoint pickers get ready."""
    uids: int = 0

    def deployments(self) -> set[str]:
        """Revisions that have a Deployment."""
        return {self._revision(child) for child in self._of_revisions()}

    def _of_revisions(self) -> list[dict[str, Any]]:
        """Deployments that serve the model; the holding page and endpoint pickers do not."""
        return [child for child in self.children.values() if is_of_revision(child)]

    def pickers(self) -> list[dict[str, Any]]:
        """Deployments of endpoint pickers."""
        deployments = [child for key, child in self.children.items() if key[0] == "Deployment"]
        return [child for child in deployments if naming.PICKER in child["metadata"]["labels"]]

    # -- the API server ------------------------------------------------------------------------------------------------

    def _apply(self, wanted: Mapping[str, Any]) -> None:
        manifest = json.loads(json.dumps(wanted))
        key = (manifest["kind"], manifest["metadata"]["name"])
        live = self.children.get(key)
        if live is None:
            self.uids += 1
            manifest["metadata"] |= {"uid": f"uid-{self.uids}", "generation": 1}
            self.children[key] = manifest
        else:
            changed = live.get("spec") != manifest.get("spec")
            meta = {**live["metadata"], **manifest["metadata"]}
            meta["generation"] = live["metadata"]["generation"] + changed
            self.children[key] = {**live, **manifest, "metadata": meta}
        if is_of_revision(manifest):
            self._count(self.children[key])
            if (stable := manifest["metadata"]["annotations"].get(BASELINE_OF)) is not None:
                self.baselines[self._revision(manifest)] = stable

    def _delete(self, kind: str, name: str, uid: str) -> None:
        live = self.children.get((kind, name))
        if live is None:
            return
        assert live["metadata"]["uid"] == uid
        del self.children[kind, name]
        if is_of_revision(live):
            self._remove([pod for pod in self.pods if pod.revision == self._revision(live)])

    # -- pods ----------------------------------------------------------------------------------------------------------

    def _kubelet(self) -> None:
        if HOLDING_PAGE in self.children:
            self.children[HOLDING_PAGE]["status"] = {"readyReplicas": int(self.pages)}
        for picker in self.pickers():
            picker["status"] = {"readyReplicas": int(self.picks)}
        for child in self._of_revisions():
            revision, wanted = self._revision(child), child["spec"]["replicas"]
            mine = [pod for pod in self.pods if pod.revision == revision]
            self._remove(mine[wanted:])
            for number in range(len(mine), wanted):
                self.uids += 1
                self.pods.append(Pod(f"{revision}-{number}-{self.uids}", revision, self.now))
            for pod in self.pods:
                if pod.revision == revision:
                    self._live(pod)
            self._count(child)

    def _live(self, pod: Pod) -> None:
        how = self._behaviour(pod.revision).pods
        if how == "crash" and pod.born < self.now:
            pod.restarts += 1
        pod.ready = how == "good" and pod.born < self.now

    def _remove(self, pods: list[Pod]) -> None:
        self.gone += pods
        self.pods = [pod for pod in self.pods if pod not in pods]

    def _count(self, deployment: dict[str, Any]) -> None:
        mine = [pod for pod in self.pods if pod.revision == self._revision(deployment)]
        deployment["status"] = {"replicas": len(mine), "readyReplicas": sum(pod.ready for pod in mine)}

    def _ready(self, revision: str) -> int:
        return sum(pod.ready for pod in self.pods if pod.revision == revision)

    def _asked_pods(self) -> dict[str, int]:
        return {self._revision(child): child["spec"]["replicas"] for child in self._of_revisions()}

    def _all_ready(self, revision: str) -> bool:
        return all(pod.ready for pod in self.pods if pod.revision == revision)

    @staticmethod
    def _revision(child: Mapping[str, Any]) -> str:
        return str(child["metadata"]["labels"][naming.REVISION])

    # -- traffic -------------------------------------------------------------------------------------------------------

    def _gateway(self) -> None:
        """Takes up the route of ``gateway_lag`` ticks ago; until it knows one, clients use the Service."""
        route = self._route()
        if route is None:
            self.served, self.mirrored = self._behind_service(), {}
            return
        if route.setdefault("waited", {}).get("generation") != route["metadata"]["generation"]:
            route["waited"] = {"generation": route["metadata"]["generation"], "ticks": 0}
        if route["waited"]["ticks"] >= self.gateway_lag:
            self.served = percentages(route_weights(route))  # whoever edits a route by hand need not mind the sum
            self.mirrored = route_mirrors(route) if self.mirrors else {}
            route["status"] = {"parents": parents(self.gateway, route["metadata"]["generation"])}
        route["waited"]["ticks"] += 1

    def _routed(self) -> bool:
        """Whether the gateway has a route in force."""
        return "status" in (self._route() or {})

    def _route(self) -> dict[str, Any] | None:
        routes = (self.children.get((kind, "churn")) for kind in ROUTE_KINDS)
        return next((route for route in routes if route is not None), None)

    def _behind_service(self) -> dict[str, int]:
        service = self.children.get(("Service", "churn"))
        if service is None:
            return {}
        if naming.HOLDING in service["spec"]["selector"]:
            return {}
        chosen = service["spec"]["selector"].get(naming.REVISION)
        counts = {r: self._ready(r) for r in self.deployments() if chosen in (None, r)}
        total = sum(counts.values())
        return {revision: round(100 * count / total) for revision, count in counts.items() if count} if total else {}

    def _serve(self) -> None:
        moment = self.now.timestamp() + TICK
        for pod in self.pods:
            pod.load = 0.0 if pod.ready else None
        for revision, weight in [*{**self.served, **self.given}.items(), *self.mirrored.items()]:
            ready = [pod for pod in self.pods if pod.revision == revision and pod.ready]
            for pod in ready:
                requests = self._asked(weight / 100 / len(ready)) * self._behaviour(revision).answers
                pod.total += requests
                pod.load = requests * self._behaviour(revision).cost / TICK
                pod.failed += requests * pod.bad(self._behaviour(revision), self.now)
        for pod in self.pods:
            if pod.total:
                pod.points.append((moment, round(pod.total), round(pod.failed)))
            self._pair(pod, moment)

    def _pair(self, pod: Pod, moment: float) -> None:
        """A pod of the candidate pairs its copies while a Service leads it to the pods of the stable revision."""
        behaviour = self._behaviour(pod.revision)
        if pod.ready and ("Service", "churn-pairs") in self.children and behaviour.pairs:
            share = self.mirrored.get(pod.revision, 0) / 100 / max(1, self._ready(pod.revision))
            pod.paired += self.rate * TICK * share
        pod.pairs.append((moment, pod.paired, pod.paired * behaviour.differs))

    def _asked(self, share: float) -> float:
        """Requests of a tick that come to a pod with this share of the traffic."""
        mean = self.rate * TICK * share
        return mean if self.chance is None else float(self.chance.poisson(mean))
