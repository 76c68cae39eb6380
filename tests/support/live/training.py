"""TrainingJobs on a real cluster: say something to one, wait until something is true of it, look around it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rollmodel.api.base import GROUP
from rollmodel.api.conditions import find
from rollmodel.api.trainingjob import TrainingJobStatus
from rollmodel.plan.training.context import closed, outcome_known

from localcluster import Cluster
from tests.support.eventually import eventually
from tests.support.live import light_training
from tests.support.live.light_models import LightRegistry
from tests.support.live.objects import NamespaceObjects
from tests.support.live.said import messages_about

__all__ = ["LiveTraining", "Manifest", "Predicate", "training_spec"]

Manifest = dict[str, Any]
Predicate = Callable[[TrainingJobStatus], object]

_PROGRAM = Path(light_training.__file__).read_text(encoding="utf-8")
_READABLE = "tjob,job,pod,event,service,configmap,replicaset,persistentvolumeclaim"


def training_spec(model: str | None = None, *, told: dict[str, str] | None = None, **changes: Any) -> Manifest:
    """A run of seconds: ``told`` are parameters of the light program, ``changes`` whole fields of the spec."""
    fields: Manifest = {
        "template": {"image": "localhost/rollmodel/examples-training:1", "command": ["python", "-I", "-c", _PROGRAM]},
        "parameters": [{"name": name, "value": value} for name, value in (told or {}).items()],
        "seed": 7,
        "retry": {"maxFailures": 1, "maxDisruptions": 2, "backoffSeconds": 0},
        **({"gates": {"metrics": [{"name": "auc", "min": "0.8"}]}, "register": {"model": model}} if model else {}),
    }
    return {key: value for key, value in {**fields, **changes}.items() if value is not None}


@dataclass(frozen=True)
class LiveTraining(NamespaceObjects):
    """One TrainingJob."""

    cluster: Cluster
    name: str

    @property
    def registry(self) -> LightRegistry:
        """The real MLflow."""
        return LightRegistry(self.cluster.mlflow_url)

    async def create(self, model: str | None = None, *, told: dict[str, str] | None = None, **changes: Any) -> None:
        """Create it; see :func:`training_spec`."""
        spec = training_spec(model, told=told, **changes)
        await self.make("TrainingJob", {"metadata": {"name": self.name}, "spec": spec})

    async def change(self, spec: Manifest) -> None:
        """Merge into the spec."""
        await self.patch("TrainingJob", self.name, {"spec": spec})

    async def status(self) -> TrainingJobStatus:
        """The status as it is now."""
        body = await self.get("TrainingJob", self.name)
        return TrainingJobStatus.model_validate((body or {}).get("status", {}))

    async def until(self, holds: Predicate, what: str) -> TrainingJobStatus:
        """Wait until the status is so; the status."""
        return await eventually(self.status, holds, f"{self.name} {what}", _shown)

    async def until_condition(self, kind: str, value: str, reason: str | None = None) -> str:
        """Wait for a condition; its message."""

        def holds(status: TrainingJobStatus) -> bool:
            now = find(status.conditions, kind)
            return now is not None and now.status == value and reason in (None, now.reason)

        found = find((await self.until(holds, f"{kind}={value} {reason or ''}")).conditions, kind)
        assert found is not None
        return found.message

    async def until_ended(self) -> TrainingJobStatus:
        """Wait for the outcome, and until the run in MLflow has a final state."""
        await self.until(outcome_known, "has an outcome")
        return await self.until(lambda status: status.run_status in ("FINISHED", "FAILED", "KILLED"), "is closed")

    async def until_closed(self) -> TrainingJobStatus:
        """Wait until nothing moves any more: the last is that it is let go."""
        status = await self.until(closed, "is closed")
        await eventually(
            lambda: self.get("TrainingJob", self.name),
            lambda found: found is None or not found["metadata"].get("finalizers"),
            f"{self.name} is let go",
        )
        return status

    async def outcome(self) -> tuple[str, str]:
        """Wait for the last word: status and reason of ``Succeeded``."""
        found = find((await self.until_ended()).conditions, "Succeeded")
        assert found is not None
        return found.status, found.reason

    async def until_running(self) -> TrainingJobStatus:
        """Wait until pods run."""
        await self.until_condition("Running", "True")
        return await self.status()

    async def run(self) -> Manifest:
        """Its one run in MLflow: ``status``, ``tags``, ``params``, ``metrics``."""
        found = await self.runs()
        assert len(found) == 1, found
        run = found[0]
        data = {part: run["data"].get(part, []) for part in ("tags", "params", "metrics")}
        return {
            **{part: {one["key"]: one["value"] for one in values} for part, values in data.items()},
            "status": run["info"]["status"],
            "id": run["info"]["run_id"],
            "inputs": run.get("inputs", {}).get("dataset_inputs", []),
        }

    async def runs(self) -> list[Manifest]:
        """All runs of its own experiment."""
        name = {"experiment_name": f"{self.namespace}/{self.name}"}
        known = await self.registry.call("experiments/get-by-name", name, "GET")
        question = {"experiment_ids": [known["experiment"]["experiment_id"]]}
        runs: list[Manifest] = (await self.registry.call("runs/search", question)).get("runs", [])
        return runs

    async def versions(self, model: str) -> dict[str, dict[str, str]]:
        """The versions of a model: tags by number."""
        question = {"filter": f"name='{model}'"}
        found = await self.registry.call("model-versions/search", question, "GET")
        return {
            str(one["version"]): {tag["key"]: tag["value"] for tag in one.get("tags", [])}
            for one in found.get("model_versions", [])
        }

    async def aliased(self, model: str, alias: str = "challenger") -> str:
        """The version that an alias points to."""
        answer = await self.registry.call("registered-models/alias", {"name": model, "alias": alias}, "GET")
        return str(answer["model_version"]["version"])

    async def job(self) -> Manifest:
        """The Job of the current attempt, once it is there."""
        status = await self.until(lambda status: status.job_name, "has a Job")
        job = await eventually(lambda: self.get("Job", status.job_name or ""), lambda one: one, "the Job is there")
        assert job is not None
        return job

    async def pods(self) -> list[Manifest]:
        """Its pods that are not on their way out."""
        found = await self.list("Pod", f"{GROUP}/training-job={self.name}")
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    async def evict(self) -> None:
        """Evict its pod, as a drained node does."""
        [pod] = await eventually(self.pods, lambda pods: len(pods) == 1, "one pod")
        assert await self.evict_pod(pod["metadata"]["name"])

    async def events(self) -> dict[str, str]:
        """Its Events: the last message by reason."""
        return messages_about(self.name, await self.list("Event"))

    async def readable(self) -> str:
        """All that somebody may read in the namespace who may not read Secrets, and the run and versions in MLflow."""
        objects = await asyncio.to_thread(self.cluster.kubectl, "get", _READABLE, "-n", self.namespace, "-o", "json")
        return objects + json.dumps([await self.runs(), await self.registry.call("model-versions/search", {}, "GET")])

    async def delete(self, kind: str = "TrainingJob", name: str | None = None) -> None:
        """Delete an object of the namespace: this one, unless said otherwise."""
        await self._request("DELETE", self._path(kind, name or self.name), query={"propagationPolicy": "Background"})

    async def until_absent(self, kind: str = "TrainingJob", name: str | None = None) -> None:
        """Wait until an object is gone."""
        await super().until_absent(kind, name or self.name)


def _shown(status: TrainingJobStatus) -> str:
    return json.dumps(status.to_wire(), indent=1)
