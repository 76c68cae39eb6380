"""A small cluster in memory: it carries decisions out, lets time pass, and checks the promises at every write.

Pods, a gateway that lags, and a Prometheus with raw counters are simulated; nothing is asked of the code under test but
``queries`` and ``decide``, and nothing survives between two passes but the status, as JSON.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal

import numpy as np
from rollmodel.api.modeldeployment import ModelDeploymentSpec, ModelDeploymentStatus
from rollmodel.plan import naming
from rollmodel.plan.decision import Decision, DeleteObject, EmitEvent, Event
from rollmodel.plan.deployment.analysis.queries import queries
from rollmodel.plan.deployment.analysis.signals.signal import MetricQuery
from rollmodel.plan.deployment.decide import decide
from rollmodel.plan.deployment.objects.revision import revision_id
from rollmodel.plan.deployment.observed import Answer, Defaults, Observed, PinnedModel
from rollmodel.plan.problem import Problem

from tests.support.simulation.autoscaler import Autoscaler
from tests.support.simulation.gateways import parents
from tests.support.simulation.pods import Behaviour, Pod, PodKind, pod_status, series_of
from tests.support.simulation.promises import Moment, keeps_promises, manifests, route_mirrors, route_weights

__all__ = ["DEFAULTS", "TICK", "Behaviour", "Cluster", "model", "spec"]

START = datetime(2026, 1, 1, tzinfo=UTC)
DEFAULTS = Defaults(operator_image="rollmodel/operator:1", server_image="rollmodel/server:1")
TICK = 10

#: Seconds for which Prometheus repeats the last sample.
LOOK_BACK = 300


def model(version: str = "1") -> PinnedModel:
    """A pinned version of the model ``churn``."""
    return PinnedModel(
        uri=f"models:/churn/{version}",
        digest=f"sha256:{version.zfill(64)}",
        name="churn",
        version=version,
        registry_url="http://mlflow",
    )


def spec(**changes: Any) -> ModelDeploymentSpec:
    """A spec that is quick to roll out; ``changes`` are whole top-level fields as a user writes them."""
    fields: dict[str, Any] = {
        "model": {"registry": {"name": "churn", "alias": "challenger", "championAlias": "champion"}},
        "scale": {"replicas": 2},
        "traffic": {"parentRefs": [{"name": "public"}]},
        "rollout": {"steps": [{"weight": 10}, {"weight": 50}], "warmUpSeconds": 20, "drainSeconds": 20},
        "analysis": {"metrics": [{"name": "errors", "preset": "Errors"}]},
    }
    return ModelDeploymentSpec.model_validate({**fields, **changes})


@dataclass
class Cluster:
    """One ModelDeployment and everything around it. ``metrics`` says what Prometheus does."""

    spec: ModelDeploymentSpec
    model: PinnedModel | Problem = field(default_factory=model)
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
    latency_offset: float = 0.0
    """Points younger than this repeat the last older point of the answer, as VictoriaMetrics has it."""
    scrape: int = TICK
    """Seconds between samples."""
    skew: float = 0.0
    """How far Prometheus' clock is ahead of the operator's, in seconds; negative: behind."""
    now: datetime = START
    generation: int = 1
    annotations: dict[str, str] = field(default_factory=dict)
    status: dict[str, Any] = field(default_factory=dict)
    children: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    pods: list[Pod] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    writes: int = 0
    served: dict[str, int] = field(default_factory=dict)
    """The weights that the gateway has in force."""
    mirrored: dict[str, int] = field(default_factory=dict)
    """Percent of the requests that the gateway copies to a revision."""
    mirrors: bool = True
    """Whether the gateway copies; one that does not may ignore what it is asked for."""
    values: dict[str, float | Problem] = field(default_factory=dict)
    """Answers to queries for plain values; a Problem: what Prometheus says against the query."""
    seen: set[str] = field(default_factory=set)
    """Revisions whose requests Prometheus has counted and shown."""
    autoscaler: Autoscaler | None = None
    """A HorizontalPodAutoscaler that writes ``scale.replicas``."""
    uids: int = 0
    asked: int = 0
    """Queries so far."""
    gone: list[Pod] = field(default_factory=list)

    # -- what people do ------------------------------------------------------------------------------------------------

    def edit(self, **changes: Any) -> None:
        """A new spec: whole top-level fields."""
        self.spec = ModelDeploymentSpec.model_validate({**self.spec.to_wire(), **changes})
        self.generation += 1

    def command(self, verb: str, revision: str, nonce: str = "1") -> None:
        """Write the command annotation."""
        self.annotations["rollmodel.dev/command"] = f"{verb} {revision} {nonce}"

    def revision_of(self, version: str) -> str:
        """The revision that a version of the model has under the present spec."""
        return revision_id(self.spec.runtime, model(version))

    def behave(
        self,
        version: str,
        pods: PodKind = "good",
        bad: float = 0.01,
        slow: float = 1.0,
        cost: float = 1.0,
        *,
        answers: bool = True,
    ) -> str:
        """How this version will behave; returns its revision."""
        revision = self.revision_of(version)
        self.behaviours[revision] = Behaviour(pods, bad, slow, cost, answers)
        return revision

    def try_version(
        self, version: str = "2", pods: PodKind = "good", bad: float = 0.05, slow: float = 1.0, cost: float = 1.0
    ) -> str:
        """The alias moves to a version that behaves like this; returns the revision that this asks for."""
        self.model = model(version)
        return self.behave(version, pods, bad, slow, cost)

    def remove(self, kind: str, name: str) -> None:
        """Somebody deletes a child."""
        self._delete(kind, name, self.children[kind, name]["metadata"]["uid"])

    # -- passes --------------------------------------------------------------------------------------------------------

    def observe(self) -> Observed:
        """What ``gather`` would hand over now."""
        look = Observed(
            namespace="prod",
            name="churn",
            uid="uid-0",
            generation=self.generation,
            annotations=dict(self.annotations),
            managed_fields=[
                {"manager": "kubectl", "fieldsV1": {"f:metadata": {"f:annotations": {"f:rollmodel.dev/command": {}}}}}
            ],
            spec=self.spec,
            status=ModelDeploymentStatus.model_validate(json.loads(json.dumps(self.status))),
            model=self.model,
            children=json.loads(json.dumps(list(self.children.values()))),
            pods=[
                pod_status(pod, self._behaviour(pod.revision)) for pod in self.pods if not self._all_ready(pod.revision)
            ],
            answers={},
            defaults=DEFAULTS,
            now=self.now,
        )
        return replace(look, answers={name: self._answer(query) for name, query in queries(look).items()})

    def reconcile(self, killed_after: int | None = None, lost: str | None = None) -> Decision:
        """One pass, carried out.

        ``killed_after``: the operator dies after so many writes, the status first. ``lost``: objects of this kind are
        not applied, since the API server takes them and never answers.
        """
        decision = decide(self.observe())
        keeps_promises(decision, Moment(self.spec, self.status, self.served, self.seen, self._ready))
        before = self.status
        self.status = json.loads(json.dumps(dict(decision.status)))
        self.writes += (before != self.status) + len(manifests(decision)) + len(decision.of(DeleteObject))
        acts: list[Callable[[], None]] = [
            partial(self._apply, manifest) for manifest in manifests(decision) if manifest["kind"] != lost
        ]
        acts += [
            partial(self._delete, delete.ref.kind, delete.ref.name, delete.uid) for delete in decision.of(DeleteObject)
        ]
        for act in acts[:killed_after]:
            act()
        if not self._routed():
            self.served = self._behind_service()
        self.events += [effect.event for effect in decision.of(EmitEvent)]
        return decision

    def pass_until_quiet(self) -> None:
        """Passes at one moment until one of them writes nothing, as the driver does."""
        for _ in range(20):
            before = self.writes
            self.reconcile()
            if self.writes == before:
                return
        raise AssertionError("passes do not come to rest")

    def run(self, seconds: int, until: Callable[[], bool] | None = None) -> bool:
        """Let time pass, with passes at every tick. True once ``until`` holds."""
        for _ in range(0, seconds, TICK):
            self.pass_until_quiet()
            if until is not None and until():
                return True
            self.advance()
        self.pass_until_quiet()
        return until() if until is not None else True

    def advance(self) -> None:
        """One tick: pods start, the gateway follows, requests are served and counted."""
        self._gateway()
        self._serve()
        self.now += timedelta(seconds=TICK)
        self._kubelet()
        self._autoscale()

    # -- what is there -------------------------------------------------------------------------------------------------

    def condition(self, kind: str) -> dict[str, Any]:
        """A condition of the status."""
        return next(c for c in self.status["conditions"] if c["type"] == kind)

    def arm(self, name: str) -> str | None:
        """The model version of an arm of the status."""
        version: str | None = self.status.get(name, {}).get("modelVersion")
        return version

    @property
    def step(self) -> int | None:
        """The candidate's step."""
        step: int | None = self.status.get("candidate", {}).get("step")
        return step

    def has_weight(self) -> bool:
        """Whether the candidate is observed to have traffic."""
        return bool(self.status.get("candidate", {}).get("weight"))

    def over(self) -> bool:
        """No candidate, nothing drains."""
        return not self.status.get("candidate") and not self.status["retiring"]

    def verdicts(self) -> list[str]:
        """The history in short."""
        return [f"{entry['verdict']} v{entry.get('toVersion')}" for entry in self.status["history"]]

    def deployments(self) -> set[str]:
        """Revisions that have a Deployment."""
        return {self._revision(child) for (kind, _), child in self.children.items() if kind == "Deployment"}

    def reasons(self) -> list[str]:
        """Reasons of the Events so far."""
        return [event.reason for event in self.events]

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
        if manifest["kind"] == "Deployment":
            self._count(self.children[key])

    def _delete(self, kind: str, name: str, uid: str) -> None:
        live = self.children.get((kind, name))
        if live is None:
            return
        assert live["metadata"]["uid"] == uid
        del self.children[kind, name]
        if kind == "Deployment":
            self._remove([pod for pod in self.pods if pod.revision == self._revision(live)])

    # -- pods ----------------------------------------------------------------------------------------------------------

    def _kubelet(self) -> None:
        for (kind, _), child in list(self.children.items()):
            if kind != "Deployment":
                continue
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
        return self.behaviours.get(revision, Behaviour())

    def _ready(self, revision: str) -> int:
        return sum(pod.ready for pod in self.pods if pod.revision == revision)

    def _all_ready(self, revision: str) -> bool:
        return all(pod.ready for pod in self.pods if pod.revision == revision)

    @staticmethod
    def _revision(child: Mapping[str, Any]) -> str:
        return str(child["metadata"]["labels"][naming.REVISION])

    # -- traffic -------------------------------------------------------------------------------------------------------

    def _gateway(self) -> None:
        """Takes up the route of ``gateway_lag`` ticks ago; until it knows one, clients use the Service."""
        route = self.children.get(("HTTPRoute", "churn"))
        if route is None:
            self.served, self.mirrored = self._behind_service(), {}
            return
        if route.setdefault("waited", {}).get("generation") != route["metadata"]["generation"]:
            route["waited"] = {"generation": route["metadata"]["generation"], "ticks": 0}
        if route["waited"]["ticks"] >= self.gateway_lag:
            self.served, self.mirrored = route_weights(route), route_mirrors(route) if self.mirrors else {}
            route["status"] = {"parents": parents(self.gateway, route["metadata"]["generation"])}
        route["waited"]["ticks"] += 1

    def _routed(self) -> bool:
        """Whether the gateway has a route in force."""
        return "status" in self.children.get(("HTTPRoute", "churn"), {})

    def _behind_service(self) -> dict[str, int]:
        service = self.children.get(("Service", "churn"))
        if service is None:
            return {}
        chosen = service["spec"]["selector"].get(naming.REVISION)
        counts = {r: self._ready(r) for r in self.deployments() if chosen in (None, r)}
        total = sum(counts.values())
        return {revision: round(100 * count / total) for revision, count in counts.items() if count} if total else {}

    def _serve(self) -> None:
        moment = self.now.timestamp() + TICK
        for pod in self.pods:
            pod.load = 0.0 if pod.ready else None
        for revision, weight in [*self.served.items(), *self.mirrored.items()]:
            ready = [pod for pod in self.pods if pod.revision == revision and pod.ready]
            for pod in ready:
                requests = self._asked(weight / 100 / len(ready)) * self._behaviour(revision).answers
                pod.total += requests
                pod.load = requests * self._behaviour(revision).cost / TICK
                pod.failed += requests * self._behaviour(revision).bad
        for pod in self.pods:
            if pod.total:
                pod.points.append((moment, round(pod.total), round(pod.failed)))

    def _autoscale(self) -> None:
        if self.autoscaler is None or not self.status.get("selector"):
            return
        selector = dict(part.split("=") for part in self.status["selector"].split(","))
        seen = [pod for pod in self.pods if selector.get(naming.REVISION) in {None, pod.revision}]
        wanted = self.autoscaler.replicas(
            self.spec.scale.replicas,
            [pod.load for pod in seen if pod.ready],
            unready=sum(not pod.ready for pod in seen),
            now=self.now.timestamp(),
        )
        if wanted != self.spec.scale.replicas:
            self.edit(scale={"replicas": wanted})

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
        series = []
        for pod in [*self.pods, *self.gone]:
            labels = {"pod": pod.name, "rollmodel_dev_revision": pod.revision}
            if self.metrics == "strange":
                labels["rollmodel_dev_revision"] = "unknown"
            if pod.revision in query.query:
                behaviour, text = self._behaviour(pod.revision), query.query
                shown = replace(pod, points=self._shown(pod, query))
                found = series_of(shown, behaviour, text, start=query.start, end=query.end, step=query.step)
                series += [({**labels, **role}, points) for role, points in found]
        return Answer(series)

    def _failure(self, query: MetricQuery) -> Problem | None:
        """Why a query has no answer."""
        self.asked += 1
        if self.metrics == "down":
            return Problem("Unavailable", "connection refused", transient=True)
        if self.metrics == "hanging" or (self.metrics == "trickling" and self.asked % 2):
            return Problem("Unavailable", "Prometheus' answer took too long", transient=True)
        known = self.values.get(query.query)
        return known if isinstance(known, Problem) else None

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
        if not (self.lag or self.latency_offset or self.skew or self.scrape != TICK):
            return pod.points
        now = self.now.timestamp()
        phase = TICK * int(pod.name.rpartition("-")[2]) % self.scrape  # each pod has its own moments
        taken = [point for point in pod.points if point[0] % self.scrape == phase]
        scraped = [(time + self.skew, *counts) for time, *counts in taken if time <= now - self.lag]
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
