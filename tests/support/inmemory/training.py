"""The real reconciler of TrainingJobs over neighbours in memory; a Job controller plays what the code does."""

from __future__ import annotations

import random
from asyncio import sleep
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, Literal

from rollmodel.api.conditions import find
from rollmodel.api.trainingjob import TrainingJobStatus
from rollmodel.errors import Conflict, NotFound
from rollmodel.plan.access.tenancy import Tenancy
from rollmodel.plan.decision import Ref
from rollmodel.plan.times import stamp
from rollmodel.plan.training.context import closed
from rollmodel.plan.training.decide import decide
from rollmodel.plan.training.read_set import read_set
from rollmodel.ports.registry import Connection
from rollmodel.reconcile.connections import Connections
from rollmodel.reconcile.created_runs import CreatedRuns
from rollmodel.reconcile.effects.notify import NotifyHandlers
from rollmodel.reconcile.execute import Executor
from rollmodel.reconcile.reconciler import Parts, reconciler_of
from rollmodel.reconcile.references import References
from rollmodel.reconcile.result import Finalizer, Reconciler, Result
from rollmodel.reconcile.training.finalize import RunCloser
from rollmodel.reconcile.training.gather import TrainingGatherer
from rollmodel.reconcile.training.kind import training_jobs

from tests.support.inmemory.kube import InMemoryKube
from tests.support.inmemory.neighbours import FixedClock, InMemoryRegistry
from tests.support.inmemory.receiver import Receiver
from tests.support.inmemory.tracking import InMemoryTracking
from tests.support.simulation.trainings.specs import DEFAULTS, manifest

__all__ = ["Behaviour", "TrainingBench", "Yielding"]

Behaviour = Literal["good", "fail", "evict"]

_RUN_SECONDS = 10
_ENDS: dict[Behaviour, dict[str, Any]] = {
    "good": {"type": "Complete", "reason": "CompletionsReached"},
    "fail": {"type": "Failed", "reason": "BackoffLimitExceeded", "message": "limit reached"},
    "evict": {"type": "Failed", "reason": "PodFailurePolicy", "message": "matching FailJob rule at index 0"},
}


class _Aliases(InMemoryRegistry):
    """The registry's view of the tracking server's aliases."""

    def __init__(self, tracking: InMemoryTracking) -> None:
        super().__init__()
        self._tracking = tracking

    async def set_alias(
        self, connection: Connection, name: str, alias: str, version: str, *, owner: str | None = None
    ) -> None:
        self._tracking._ask("set_alias", connection)
        if (name, int(version)) not in self._tracking.versions:
            raise NotFound(f"model {name!r} has no version {version}")
        self._tracking.claim(f"alias {alias!r} of model {name!r}", owner)
        self._tracking.set_alias(name, alias, version)
        self._tracking.aftermath("set_alias")


class Yielding:
    """A port whose answers take some turns of the event loop, so that two operators meet anywhere between requests."""

    def __init__(self, port: Any, dice: random.Random) -> None:
        self._port, self._dice = port, dice

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not iscoroutinefunction(found):
            return found

        @wraps(found)
        async def later(*arguments: Any, **options: Any) -> Any:
            await self._wait()
            try:
                return await found(*arguments, **options)
            finally:
                await self._wait()

        return later

    async def _wait(self) -> None:
        for _ in range(self._dice.randrange(4)):
            await sleep(0)


@dataclass
class TrainingBench:
    """The neighbours of one TrainingJob. ``attempts`` says how each ends; the last goes on for all that follow."""

    kube: InMemoryKube = field(default_factory=InMemoryKube)
    tracking: InMemoryTracking = field(default_factory=InMemoryTracking)
    clock: FixedClock = field(default_factory=FixedClock)
    attempts: tuple[Behaviour, ...] = ("good",)
    metrics: dict[str, float] = field(default_factory=lambda: {"auc": 0.9})
    tenancy: Tenancy | None = None
    passes: int = 0
    woken: list[str] = field(default_factory=list)
    receiver: Receiver = field(default_factory=Receiver)

    def __post_init__(self) -> None:
        self.references = References(self.woken.append)

    def operator(self, dice: random.Random | None = None) -> Reconciler:
        """One more operator process; with ``dice`` its requests take their time."""
        slow: Callable[[Any], Any] = (lambda port: port) if dice is None else (lambda port: Yielding(port, dice))
        kube, tracking, registry = slow(self.kube), slow(self.tracking), slow(_Aliases(self.tracking))
        connections, created = Connections(kube, default=Connection("http://mlflow"), read_secrets=True), CreatedRuns()
        gatherer = TrainingGatherer(
            kube=kube,
            tracking=tracking,
            connections=connections,
            clock=self.clock,
            read_set=read_set,
            defaults=DEFAULTS,
            tenancy=self.tenancy,
            created=created,
        )
        kind = training_jobs(gatherer, RunCloser(tracking, connections), decide=decide)
        news = NotifyHandlers(kube, self.receiver, lambda _: None)
        executor = Executor(kube, registry, tracking, tenancy=self.tenancy, news=news, created=created)
        return reconciler_of(kind, Parts(executor, connections, self.references, self.clock))

    async def finalize(self, ref: Ref) -> None:
        """The object is being deleted."""
        operator = self.operator()
        assert isinstance(operator, Finalizer)
        await operator.finalize(self.kube.objects[ref])

    def create(self, name: str = "churn", *, namespace: str = "ml", **spec: Any) -> Ref:
        """A person creates a TrainingJob."""
        return Ref.of(self.kube.create(manifest(name, namespace, **spec)))

    async def a_pass(self, operator: Reconciler, ref: Ref) -> Result:
        """One pass over the object as it is now; the look at it costs no request."""
        self.passes += 1
        return await operator.reconcile(self.kube.objects[ref])

    async def finish(self, ref: Ref, operator: Reconciler | None = None, *, at_most: int = 300) -> None:
        """Pass after pass, until the run has ended and is closed in MLflow."""
        await self.until(ref, lambda: closed(self.status(ref)), operator, at_most=at_most)

    async def until(
        self, ref: Ref, holds: Callable[[], object], operator: Reconciler | None = None, *, at_most: int = 300
    ) -> None:
        """Passes when they are due, at least every 5 s, until something holds; who is too late reads again."""
        operator = operator or self.operator()
        for _ in range(at_most):
            if holds():
                return
            pause = 1.0
            with suppress(Conflict):
                result = await self.a_pass(operator, ref)
                pause = 1.0 if result.wrote else min(5.0, result.requeue_after or 5.0)
            self.advance(pause)
        raise AssertionError(f"not after {at_most} passes: {self.status(ref).to_wire()}")

    def advance(self, seconds: float = 1.0) -> None:
        """Time passes: pods start, and end."""
        self.clock.forward(seconds)
        for job in self.kube.of_kind("Job"):
            if not job["spec"].get("suspend") and not (job.get("status") or {}).get("conditions"):
                self._control(job)

    def status(self, ref: Ref) -> TrainingJobStatus:
        """The status of a TrainingJob."""
        return TrainingJobStatus.model_validate(self.kube.objects[ref].get("status", {}))

    def condition(self, ref: Ref, kind: str) -> tuple[str, str]:
        """Status and reason of a condition."""
        found = find(self.status(ref).conditions, kind)
        return (found.status, found.reason) if found is not None else ("", "")

    def outcome(self, ref: Ref) -> dict[str, Any]:
        """Everything that may not depend on when somebody was killed: no times, no identities made by servers."""
        status, uid = self.status(ref), self.kube.objects[ref]["metadata"]["uid"]
        return {
            "conditions": {one.type: (one.status, one.reason) for one in status.conditions},
            "attempts": (status.attempts.started, status.attempts.failures) if status.attempts else None,
            "gates": [gate.to_wire() for gate in status.gates],
            "version": status.model_version,
            "run": (status.run_id, status.run_status),
            "hash": status.reproducibility.hash if status.reproducibility else None,
            "tags": {run.id: _anonymous(run.tags, uid) for run in self.tracking.runs.values()},
            "states": [run.status for run in self.tracking.runs.values()],
            "versions": {key: _anonymous(one.tags, uid) for key, one in self.tracking.versions.items()},
            "aliases": dict(self.tracking.aliases),
            "jobs": sorted(job["metadata"]["name"] for job in self.kube.of_kind("Job")),
        }

    def requests(self) -> int:
        """How often anybody was asked anything so far."""
        return len(self.kube.reads) + len(self.kube.writes) + len(self.tracking.calls) + len(self.kube.events)

    def _control(self, job: dict[str, Any]) -> None:
        """What the Job controller, the kubelet and the code do about a Job that has not ended."""
        ref, status = Ref.of(job), dict(job.get("status") or {})
        if "startTime" not in status:
            self.kube.create(_pod(job))
            started = {"startTime": stamp(self.clock.now()), "active": 1, "ready": 1}
            self.kube.edit(ref, lambda obj: obj.update(status=started))
            return
        since = self.clock.now().timestamp() - self.clock.moment.fromisoformat(status["startTime"]).timestamp()
        if since < _RUN_SECONDS:
            return
        behaviour = self._behaviour(job)
        if behaviour == "good":
            self._train(job)
        condition = {**_ENDS[behaviour], "status": "True", "lastTransitionTime": stamp(self.clock.now())}
        ended = {**status, "active": 0, "ready": 0, "conditions": [condition]}
        self.kube.edit(ref, lambda obj: obj.update(status=ended))

    def _behaviour(self, job: dict[str, Any]) -> Behaviour:
        number = int(job["metadata"]["labels"]["rollmodel.dev/attempt"])
        return self.attempts[min(number, len(self.attempts)) - 1]

    def _train(self, job: dict[str, Any]) -> None:
        """The code finds its run in its environment, and logs to it. It does not need our MLflow to be up."""
        [container] = job["spec"]["template"]["spec"]["containers"]
        run_id = next(one["value"] for one in container["env"] if one["name"] == "MLFLOW_RUN_ID")
        for name, value in self.metrics.items():
            self.tracking.log_metric(run_id, name, value)
        self.tracking.log_model(run_id)


def _pod(job: dict[str, Any]) -> dict[str, Any]:
    name, uid = job["metadata"]["name"], job["metadata"]["uid"]
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": uid, "controller": True}
    trained = {"name": "train", "imageID": f"r/churn@sha256:{'1' * 64}", "state": {"running": {}}}
    meta = {"name": f"{name}-x", "namespace": job["metadata"]["namespace"], "ownerReferences": [owner]}
    labels = {"labels": {"batch.kubernetes.io/job-name": name}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**meta, **labels},
        "status": {"containerStatuses": [trained]},
    }


def _anonymous(tags: Any, uid: str) -> dict[str, str]:
    """Without the object's UID, and without the hash of what was logged, which covers it."""
    return {key: text.replace(uid, "<uid>") for key, text in tags.items() if key != "rollmodel.dev/record"}
