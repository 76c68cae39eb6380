"""TrainingJobs at work: their manifests, the code in their simulated pods, and a clock that follows all of it.

No code runs in a simulated pod. So for each pod that turns Running the bench does what the code would do at its end: it
logs a metric and a model to MLflow, and then reports the pod as succeeded.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
from rollmodel.api.base import GROUP, VERSION
from rollmodel.plan.naming import TRAINING_JOB

from localcluster.kubeapi import MERGE_PATCH, KubeApi, Mirror, Object
from tests.bench.scale.rig.stack import NAMESPACE, Stack

__all__ = ["CODE_REQUESTS", "JOBS", "PODS", "Clock", "Trial", "apply", "manifests", "playing"]

CODE_REQUESTS = {"runs/log-metric": 1, "logged-models": 2}
"""Requests to MLflow, by kind, that stand for the code of one run."""
_PATIENCE_SECONDS = 600.0
_APPLY = "application/apply-patch+yaml"
_RUNS = f"/apis/{GROUP}/{VERSION}/namespaces/{NAMESPACE}/trainingjobs"
JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


@dataclass(slots=True)
class Trial:
    """Moments of one run (monotonic seconds): when the bench sent something, or when a watch first showed it."""

    applied: float = 0.0
    job: float = 0.0
    pod: float = 0.0
    finished: float = 0.0
    registered: float = 0.0
    succeeded: float = 0.0
    closed: float = 0.0


@dataclass
class Clock:
    """The runs by name. ``wrong`` holds what must not happen: a run that failed, or code that could not log.

    ``lengths``: how long the trainings that start next take, in seconds; those after them take no time.
    """

    runs: dict[str, Trial] = field(default_factory=dict)
    lengths: Iterator[float] = field(default_factory=lambda: iter(()))
    wrong: list[str] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, condition: Callable[[Trial], float], names: list[str]) -> None:
        """Wait until it is true of all these runs. Raises RuntimeError where something went wrong, and TimeoutError."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not all(condition(self.runs[name]) for name in names):
                if self.wrong:
                    raise RuntimeError(self.wrong[0])
                self._changed.clear()
                await self._changed.wait()

    def blame(self, what: str) -> None:
        """Something went wrong."""
        self.wrong.append(what)
        self._changed.set()

    def job_changed(self, _: Object | None, new: Object | None) -> None:
        """A Job: since when is it there?"""
        if new is not None:
            trial = self.runs[new["metadata"]["labels"][TRAINING_JOB]]
            trial.job = trial.job or time.monotonic()

    def run_changed(self, _: Object | None, new: Object | None) -> None:
        """A TrainingJob: how far is it?"""
        trial, now = self.runs.get(new["metadata"]["name"]) if new else None, time.monotonic()
        if new is None or trial is None:
            return
        status = new.get("status", {})
        conditions = {one["type"]: one["status"] for one in status.get("conditions", ())}
        outcome = conditions.get("Succeeded")
        if outcome == "False":
            self.blame(f"{new['metadata']['name']} failed: {status}")
        trial.registered = trial.registered or ("modelVersion" in status and now)
        trial.succeeded = trial.succeeded or (outcome == "True" and now)
        trial.closed = trial.closed or (outcome == "True" and conditions.get("Reconciling") == "False" and now)
        self._changed.set()


def manifests(prefix: str, count: int) -> list[Object]:
    """As many runs, each with a gate and a registered model of its own."""
    return [
        {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": "TrainingJob",
            "metadata": {"name": f"{prefix}-{number}", "namespace": NAMESPACE},
            "spec": {
                "template": {"image": "registry.example.com/train:1"},
                "parameters": [{"name": "depth", "value": "3"}],
                "gates": {"metrics": [{"name": "auc", "min": "0.8"}]},
                "register": {"model": f"{prefix}-{number}"},
            },
        }
        for number in range(count)
    ]


async def apply(api: KubeApi, clock: Clock, manifest: Object) -> None:
    """Send one run."""
    name = manifest["metadata"]["name"]
    clock.runs[name] = Trial(applied=time.monotonic())
    query = {"fieldManager": "bench", "force": "true"}
    await api.request("PATCH", f"{_RUNS}/{name}", manifest, query=query, content_type=_APPLY)


@dataclass
class _Code:
    """What the pods' code does."""

    api: KubeApi
    http: httpx.AsyncClient
    clock: Clock
    tasks: asyncio.TaskGroup
    started: set[str] = field(default_factory=set)

    def pod_changed(self, _: Object | None, new: Object | None) -> None:
        """A pod is there; one that runs does its work, once."""
        if new is None:
            return
        metadata = new["metadata"]
        trial = self.clock.runs[metadata["labels"][TRAINING_JOB]]
        trial.pod = trial.pod or time.monotonic()
        if new["status"].get("phase") == "Running" and metadata["name"] not in self.started:
            self.started.add(metadata["name"])
            self.tasks.create_task(self._work(new, trial, next(self.clock.lengths, 0.0)))

    async def _work(self, pod: Object, trial: Trial, seconds: float) -> None:
        name = pod["metadata"]["name"]
        await asyncio.sleep(seconds)
        try:
            await self._log(pod)
            trial.finished = time.monotonic()
            status = {"status": {"phase": "Succeeded"}}
            await self.api.request("PATCH", f"{PODS}/{name}/status", status, content_type=MERGE_PATCH)
        except httpx.HTTPError as error:
            said = error.response.text if isinstance(error, httpx.HTTPStatusError) else ""
            self.clock.blame(f"{name} could not log: {error!r} {said}")

    async def _log(self, pod: Object) -> None:
        """A metric, and a model as MLflow 3 logs one."""
        container = next(one for one in pod["spec"]["containers"] if one["name"] == "train")
        environment = {one["name"]: one.get("value") for one in container["env"]}
        run, experiment = environment["MLFLOW_RUN_ID"], environment["MLFLOW_EXPERIMENT_ID"]
        metric = {"run_id": run, "key": "auc", "value": 0.9, "step": 1, "timestamp": int(1000 * time.time())}
        await self._call("POST", "runs/log-metric", metric)
        model = {"experiment_id": experiment, "name": "model", "source_run_id": run}
        logged = (await self._call("POST", "logged-models", model))["model"]["info"]["model_id"]
        await self._call("PATCH", f"logged-models/{logged}", {"model_id": logged, "status": "LOGGED_MODEL_READY"})

    async def _call(self, method: str, path: str, body: Object) -> Object:
        answer = await self.http.request(method, f"/api/2.0/mlflow/{path}", json=body)
        answer.raise_for_status()
        found: Object = answer.json()
        return found


@asynccontextmanager
async def playing(where: Stack) -> AsyncIterator[tuple[KubeApi, Clock]]:
    """The administrator's client and a running clock; while the block lasts, pods that run do their work."""
    clock = Clock()
    async with (
        KubeApi.connect(str(where.cluster.kubeconfig)) as api,
        httpx.AsyncClient(base_url=where.cluster.mlflow_url, timeout=120, trust_env=False) as http,
        asyncio.TaskGroup() as tasks,
    ):
        code = _Code(api, http, clock, tasks)
        mirrors = [
            Mirror(api, _RUNS, clock.run_changed),
            Mirror(api, JOBS, clock.job_changed, query={"labelSelector": TRAINING_JOB}),
            Mirror(api, PODS, code.pod_changed, query={"labelSelector": TRAINING_JOB}),
        ]
        following = [tasks.create_task(mirror.run()) for mirror in mirrors]
        await asyncio.gather(*(mirror.synced.wait() for mirror in mirrors))
        yield api, clock
        for task in following:
            task.cancel()
