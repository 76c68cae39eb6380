"""A small cluster in memory: it carries decisions out, lets time pass, and checks the promises at every write.

Pods, a gateway that lags, and a Prometheus with raw counters are simulated; nothing is asked of the code under test but
``queries`` and ``decide``, and nothing survives between two passes but the status, as JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal

from rollmodel.api.modeldeployment import ModelDeploymentSpec, ModelDeploymentStatus
from rollmodel.plan import naming
from rollmodel.plan.decision import Decision, Event
from rollmodel.plan.deployment.decide import decide
from rollmodel.plan.deployment.observed import (
    Answer,
    Defaults,
    ModelProblem,
    Observed,
    PinnedModel,
    QueryProblem,
)
from rollmodel.plan.deployment.queries import MetricQuery, queries
from rollmodel.plan.deployment.revision import revision_id

__all__ = ["DEFAULTS", "Behaviour", "Cluster", "model", "spec"]

START = datetime(2026, 1, 1, tzinfo=UTC)
DEFAULTS = Defaults(operator_image="rollmodel/operator:1", server_image="rollmodel/server:1")
TICK = 10

Pods = Literal["good", "crash", "never", "mismatch", "no-image"]


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


@dataclass(frozen=True)
class Behaviour:
    """How a revision behaves: its pods, the share of its requests that fail, and how slow it is (1 is as usual)."""

    pods: Pods = "good"
    bad: float = 0.01
    slow: float = 1.0


@dataclass
class Pod:
    """One pod: when it was born, whether it is ready, and its raw counters by time."""

    name: str
    revision: str
    born: datetime
    ready: bool = False
    restarts: int = 0
    total: float = 0.0
    failed: float = 0.0
    points: list[tuple[float, float, float]] = field(default_factory=list)


@dataclass
class Cluster:
    """One ModelDeployment and everything around it. ``metrics`` says what Prometheus does."""

    spec: ModelDeploymentSpec
    model: PinnedModel | ModelProblem = field(default_factory=model)
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    rate: float = 100.0
    gateway_lag: int = 1
    metrics: Literal["good", "missing", "down", "strange"] = "good"
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
    values: dict[str, float] = field(default_factory=dict)
    """Answers to queries for plain values."""
    seen: set[str] = field(default_factory=set)
    """Revisions whose requests Prometheus has counted and shown."""
    uids: int = 0
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

    def behave(self, version: str, pods: Pods = "good", bad: float = 0.01, slow: float = 1.0) -> str:
        """How this version will behave; returns its revision."""
        revision = self.revision_of(version)
        self.behaviours[revision] = Behaviour(pods, bad, slow)
        return revision

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
                _pod_status(pod, self._behaviour(pod.revision))
                for pod in self.pods
                if not self._all_ready(pod.revision)
            ],
            answers={},
            defaults=DEFAULTS,
            now=self.now,
        )
        return replace(look, answers={name: self._answer(query) for name, query in queries(look).items()})

    def reconcile(self, killed_after: int | None = None) -> Decision:
        """One pass, carried out; ``killed_after``: the operator dies after so many writes, the status first."""
        decision = decide(self.observe())
        self._check(decision)
        before = self.status
        self.status = json.loads(json.dumps(dict(decision.status)))
        self.writes += (before != self.status) + len(decision.apply) + len(decision.delete)
        acts: list[Callable[[], None]] = [partial(self._apply, manifest) for manifest in decision.apply]
        acts += [partial(self._delete, delete.ref.kind, delete.ref.name, delete.uid) for delete in decision.delete]
        for act in acts[:killed_after]:
            act()
        if not self._routed():
            self.served = self._behind_service()
        self.events += decision.events
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

    # -- what is there -------------------------------------------------------------------------------------------------

    def condition(self, kind: str) -> dict[str, Any]:
        """A condition of the status."""
        return next(c for c in self.status["conditions"] if c["type"] == kind)

    def arm(self, name: str) -> str | None:
        """The model version of an arm of the status."""
        version: str | None = self.status.get(name, {}).get("modelVersion")
        return version

    def verdicts(self) -> list[str]:
        """The history in short."""
        return [f"{entry['verdict']} v{entry.get('toVersion')}" for entry in self.status["history"]]

    def deployments(self) -> set[str]:
        """Revisions that have a Deployment."""
        return {self._revision(child) for (kind, _), child in self.children.items() if kind == "Deployment"}

    def reasons(self) -> list[str]:
        """Reasons of the Events so far."""
        return [event.reason for event in self.events]

    # -- the promises --------------------------------------------------------------------------------------------------

    def _check(self, decision: Decision) -> None:
        assert len(json.dumps(decision.status)) < 64 * 1024
        self._check_conditions(decision)
        self._check_history(decision)
        self._check_weights(decision)
        for delete in decision.delete:
            if delete.ref.kind in {"Deployment", "Service"} and delete.ref.name != "churn":
                revision = delete.ref.name.rpartition("-")[2]
                assert not self.served.get(revision), f"{revision} is deleted while it has traffic"
                assert decision.status.get("stable", {}).get("revision") != revision
        for manifest in decision.apply:
            if manifest["kind"] == "Deployment" and not decision.status.get("candidate"):
                assert manifest["spec"]["replicas"] >= self.spec.scale.replicas

    @staticmethod
    def _check_conditions(decision: Decision) -> None:
        """What kstatus reads: it never looks finished while it is not, and never both moving and stuck."""
        now = {condition["type"]: condition["status"] for condition in decision.status["conditions"]}
        assert not (now["Reconciling"] == "True" and now["Stalled"] == "True")
        assert "True" in {now["Ready"], now["Reconciling"], now["Stalled"]}
        assert not (now["Ready"] == "True" and now["Stalled"] == "True")

    def _check_history(self, decision: Decision) -> None:
        """No verdict by evidence without evidence, and no new stable revision that does not carry everything."""
        before, after = self.status.get("history", []), decision.status["history"]
        for entry in after if not before else [entry for entry in after if entry not in before]:
            if entry["by"] == "evidence":
                assert entry["toRevision"] in self.seen, f"a verdict about {entry['toRevision']} that nobody saw"
            if entry["verdict"] == "Promoted":
                assert self.served == {entry["toRevision"]: 100}

    def _check_weights(self, decision: Decision) -> None:
        weights = {revision: w for revision, w in self._weights(decision).items() if w}
        if weights:
            assert sum(weights.values()) == 100
            ready = {revision for revision in weights if self._ready(revision)}
            eligible = {arm["revision"] for arm in self._eligible(decision) if self._ready(arm["revision"])}
            assert ready == set(weights) or not eligible, f"traffic to pods that are not ready: {weights}"

    def _eligible(self, decision: Decision) -> list[Mapping[str, Any]]:
        """Arms that may have traffic: the stable one, and a candidate that has reached a weight."""
        stable, candidate = decision.status.get("stable"), decision.status.get("candidate")
        arms = [stable] if stable else []
        if candidate and (
            not stable or any(s.weight for s in self.spec.rollout.steps[: max(0, candidate["step"] + 1)])
        ):
            arms.append(candidate)
        return arms

    def _weights(self, decision: Decision) -> dict[str, int]:
        route = next((m for m in decision.apply if m["kind"] == "HTTPRoute"), None)
        return _route_weights(route) if route else {}

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
            self.served = self._behind_service()
            return
        if route.setdefault("waited", {}).get("generation") != route["metadata"]["generation"]:
            route["waited"] = {"generation": route["metadata"]["generation"], "ticks": 0}
        if route["waited"]["ticks"] >= self.gateway_lag:
            self.served = _route_weights(route)
            kinds = ("Accepted", "ResolvedRefs")
            generation = route["metadata"]["generation"]
            conditions = [
                {"type": kind, "status": "True", "reason": kind, "observedGeneration": generation} for kind in kinds
            ]
            route["status"] = {"parents": [{"parentRef": {"name": "public"}, "conditions": conditions}]}
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
        for revision, weight in self.served.items():
            ready = [pod for pod in self.pods if pod.revision == revision and pod.ready]
            for pod in ready:
                requests = self.rate * TICK * weight / 100 / len(ready)
                pod.total += requests
                pod.failed += requests * self._behaviour(revision).bad
        for pod in self.pods:
            if pod.total:
                pod.points.append((moment, round(pod.total), round(pod.failed)))

    def _answer(self, query: MetricQuery) -> Answer | QueryProblem:
        if self.metrics == "good":
            self.seen |= {pod.revision for pod in self.pods if len(pod.points) > 1}
        if self.metrics == "down":
            return QueryProblem("Unavailable", "connection refused", query.query)
        if self.metrics == "missing":
            return Answer([])
        if query.query in self.values:
            grid_points = range(round(query.start), round(query.end) + 1, round(query.step))
            return Answer([({}, [(float(moment), self.values[query.query]) for moment in grid_points])])
        series = []
        for pod in [*self.pods, *self.gone]:
            labels = {"pod": pod.name, "rollmodel_dev_revision": pod.revision}
            if self.metrics == "strange":
                labels["rollmodel_dev_revision"] = "unknown"
            grid = [p for p in pod.points if query.start <= p[0] <= query.end and p[0] % query.step == 0]
            if grid and pod.revision in query.query:
                slow = self._behaviour(pod.revision).slow
                roles = _buckets(grid, slow) if "_bucket" in query.query else _counts(grid)
                series += [({**labels, **role}, points) for role, points in roles]
        return Answer(series)


Roles = list[tuple[dict[str, str], list[tuple[float, float]]]]


def _counts(grid: list[tuple[float, float, float]]) -> Roles:
    total, bad = [(t, total) for t, total, _ in grid], [(t, failed) for t, _, failed in grid]
    return [({"role": "total"}, total), ({"role": "bad"}, bad)]


def _buckets(grid: list[tuple[float, float, float]], slow: float) -> Roles:
    """Latencies that are exponential with a mean of 80 ms, times ``slow``."""
    shares = {edge: 1 - math.exp(-float(edge) / (0.08 * slow)) for edge in ("0.02", "0.05", "0.1", "0.25", "0.5")}
    shares["+Inf"] = 1.0
    return [({"le": edge}, [(t, round(total * share)) for t, total, _ in grid]) for edge, share in shares.items()]


def _route_weights(route: Mapping[str, Any]) -> dict[str, int]:
    backends = route["spec"]["rules"][0]["backendRefs"]
    return {backend["name"].rpartition("-")[2]: backend["weight"] for backend in backends}


def _pod_status(pod: Pod, behaviour: Behaviour) -> dict[str, Any]:
    """A pod as the API server shows it."""
    containers: list[dict[str, Any]] = [{"name": "model", "restartCount": pod.restarts, "state": {}, "image": "server"}]
    inits: list[dict[str, Any]] = []
    if pod.restarts:
        containers[0]["lastState"] = {"terminated": {"exitCode": 1, "message": "out of luck"}}
    if behaviour.pods == "mismatch":
        ended = {"exitCode": 1, "message": "DigestMismatch: expected sha256:aa, got sha256:bb"}
        inits = [{"name": "fetch-model", "restartCount": 1, "state": {"terminated": ended}}]
    if behaviour.pods == "no-image":
        containers[0]["state"] = {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}
    return {
        "metadata": {"name": pod.name, "labels": {naming.REVISION: pod.revision}},
        "status": {"initContainerStatuses": inits, "containerStatuses": containers},
    }
