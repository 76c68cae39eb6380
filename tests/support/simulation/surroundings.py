"""What is around a ModelDeployment in memory: children, their pods, a gateway, a Prometheus with raw counters."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from rollmodel.plan import naming
from rollmodel.plan.deployment.analysis.signals.signal import MetricQuery
from rollmodel.plan.deployment.objects.baseline import BASELINE_OF
from rollmodel.plan.deployment.observed import Answer
from rollmodel.plan.deployment.routers.traffic import percentages
from rollmodel.plan.problem import Problem

from tests.support.simulation.gateways import parents
from tests.support.simulation.pods import Behaviour, Pod, differences_of, series_of
from tests.support.simulation.promises import (
    HOLDING_PAGE,
    ROUTE_KINDS,
    is_of_revision,
    route_mirrors,
    route_weights,
)

__all__ = ["START", "TICK", "Surroundings"]

START = datetime(2026, 1, 1, tzinfo=UTC)
TICK = 10

#: Seconds for which Prometheus repeats the last sample.
LOOK_BACK = 300
_KEPT = 10


@dataclass(kw_only=True)
class Surroundings:
    """``metrics`` says what Prometheus does. Time is ``now``; whoever lets it pass calls what follows."""

    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    rate: float = 100.0
    chance: np.random.Generator | None = None
    """Where it is set, requests come independently of each other, else evenly."""
    gateway_lag: int = 1
    gateway: str = "plain"
    """In whose manner the Gateway answers: one of ``gateways.GATEWAYS``."""
    metrics: Literal["good", "missing", "down", "strange", "hanging", "trickling"] = "good"
    """Whether queries are answered; ``hanging``: none in time, ``trickling``: every second one."""
    targets: Literal["up", "down", "unlabelled", "none"] = "up"
    """Whether Prometheus scrapes the pods: with success, in vain, without their labels, not at all."""
    lag: float = 0.0
    """Seconds until Prometheus has a sample; until then it repeats the last one."""
    lag_of: Callable[[Pod], float] | None = None
    """Where it is set, by how much the samples of a pod come later than ``lag``, in seconds."""
    latency_offset: float = 0.0
    """Points younger than this repeat the last older point of the answer, as VictoriaMetrics has it."""
    scrape: int = TICK
    """Seconds between samples."""
    skew: float = 0.0
    """How far Prometheus' clock is ahead of the operator's, in seconds; negative: behind."""
    now: datetime = START
    children: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    pods: list[Pod] = field(default_factory=list)
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
    values: dict[str, float | Problem] = field(default_factory=dict)
    """Answers to queries for plain values; a Problem: what Prometheus says against the query."""
    seen: set[str] = field(default_factory=set)
    """Revisions whose requests Prometheus has counted and shown."""
    uids: int = 0
    asked: int = 0
    """Queries so far."""
    turns: tuple[datetime, dict[str, bool]] = field(default_factory=lambda: (START, {}))
    """While answers trickle: a moment, and for each query that was asked at it whether it fails."""
    last_questions: list[str] = field(default_factory=list)
    gone: list[Pod] = field(default_factory=list)
    baselines: dict[str, str] = field(default_factory=dict)
    """Revisions of baselines, and whose pods they are: they behave as those."""

    @property
    def delay(self) -> float:
        """How long after the end of a window its samples are complete, in seconds: what the operator may be told."""
        seldom = self.scrape if self.scrape != TICK else 0
        return self.lag + self.latency_offset + max(0.0, -self.skew) + seldom

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

    def _behaviour(self, revision: str) -> Behaviour:
        return self.behaviours.get(revision) or self.behaviours.get(self.baselines.get(revision, ""), Behaviour())

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

    def _answer(self, query: MetricQuery) -> Answer | Problem:
        query = replace(query, start=query.start - query.before)
        if self.metrics == "good":
            self.seen |= {pod.revision for pod in self.pods if len(pod.points) > 1}
        if (failure := self._failure(query)) is not None:
            return failure
        if query.query.startswith("up{"):
            return Answer(self._targets(query))
        if self.metrics == "missing" or self.targets != "up":
            return Answer([])
        known = self.values.get(query.query)
        if isinstance(known, float):
            grid_points = range(round(query.start), round(query.end) + 1, round(query.step))
            return Answer([({}, [(float(moment), known) for moment in grid_points])])
        pods = [*self.pods, *self.gone]
        return Answer([one for pod in pods if pod.revision in query.query for one in self._series(pod, query)])

    def _series(self, pod: Pod, query: MetricQuery) -> Iterator[tuple[dict[str, str], list[tuple[float, float]]]]:
        """What a query gets of a pod."""
        labels = {"pod": pod.name, "rollmodel_dev_revision": pod.revision}
        if self.metrics == "strange":
            labels["rollmodel_dev_revision"] = "unknown"
        behaviour, text, points = self._behaviour(pod.revision), query.query, self._shown(pod, query)
        if "rollmodel_server_pairs" in text:  # of one revision, and never late
            points = pod.pairs if f'rollmodel_dev_revision="{pod.revision}"' in text else []
            if "rollmodel_server_pairs_mean" in text:
                yield from (({**labels, **role}, found) for role, found in differences_of(points, behaviour, query))
                return
            text = ""
        shown = replace(pod, points=points)
        for role, found in series_of(shown, behaviour, text, start=query.start, end=query.end, step=query.step):
            yield {**labels, **role}, found

    def _failure(self, query: MetricQuery) -> Problem | None:
        """Why a query has no answer."""
        self.asked += 1
        self.last_questions = [*self.last_questions[-_KEPT:], query.query]
        if self.metrics == "down":
            return Problem("Unavailable", "connection refused", transient=True)
        if self.metrics == "hanging" or (self.metrics == "trickling" and self._trickles(query.query)):
            return Problem("Unavailable", "Prometheus' answer took too long", transient=True)
        known = self.values.get(query.query)
        return known if isinstance(known, Problem) else None

    def _trickles(self, query: str) -> bool:
        """Whether it is this query's turn to fail: however often it is asked at one moment, it is answered alike."""
        moment, turns = self.turns
        if moment != self.now:
            turns = {}
            self.turns = self.now, turns
        return turns.setdefault(query, bool(self.asked % 2))

    def _targets(self, query: MetricQuery) -> list[tuple[dict[str, str], list[tuple[float, float]]]]:
        """The scrapes of the pods that a query asks for, at its end."""
        pods = [pod for pod in self.pods if pod.revision in query.query and self.targets != "none"]
        labels = {} if self.targets == "unlabelled" else {"rollmodel_dev_model_deployment": "churn"}
        value = float(self.targets != "down")
        return [
            (
                {"pod": pod.name, **labels, **({"rollmodel_dev_revision": pod.revision} if labels else {})},
                [(query.end, value)],
            )
            for pod in pods
        ]

    def _shown(self, pod: Pod, query: MetricQuery) -> list[tuple[float, float, float]]:
        """The pod's counters as Prometheus has them now on the grid of a query."""
        lag = self.lag + (self.lag_of(pod) if self.lag_of is not None else 0.0)
        if not (lag or self.latency_offset or self.skew or self.scrape != TICK):
            return pod.points
        now = self.now.timestamp()
        phase = TICK * int(pod.name.rpartition("-")[2]) % self.scrape  # each pod has its own moments
        taken = [point for point in pod.points if point[0] % self.scrape == phase]
        scraped = [(time + self.skew, *counts) for time, *counts in taken if time <= now - lag]
        times = [time for time, *_ in scraped]
        shown: list[tuple[float, float, float]] = []
        for moment in range(round(query.start), round(query.end) + 1, round(query.step)):
            if moment > now + self.skew - self.latency_offset:
                shown += [(float(moment), *shown[-1][1:])] if shown else []
                continue
            known = bisect_right(times, moment)
            if known and times[known - 1] > moment - LOOK_BACK:
                shown.append((float(moment), scraped[known - 1][1], scraped[known - 1][2]))
        return shown
