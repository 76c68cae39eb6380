"""The training demo: a run that is registered and rolled out, a better one promoted, an unfair one refused, a rerun."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rollmodel.api.conditions import find
from rollmodel.api.trainingjob import TrainingJobStatus

from demo.registry import CHALLENGER, CHAMPION
from demo.stack import ROOT, Stack
from demo.traffic import sending
from demo.watching import DemoFailedError, Watcher, fell
from examples.training import cohort

__all__ = ["HOST", "MODEL", "NAME", "Outcome", "TrainingStory", "play", "request_bodies"]

NAME = MODEL = "progression"
HOST = "progression.example.com"
EXAMPLES = ROOT / "examples" / "training"
DATA = "api/2.0/mlflow-artifacts/artifacts/datasets/diabetes"
RUN_SECONDS = 300
VERDICT_SECONDS = 300
RATE = 40.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """One TrainingJob as the cluster holds it at the end, with the tags of its run and of its version."""

    name: str
    status: TrainingJobStatus
    seconds: float
    run_tags: dict[str, str]
    version_tags: dict[str, str]


@dataclass(slots=True)
class TrainingStory:
    """What was observed. ``served`` are the verdicts on versions in the history of the ModelDeployment."""

    outcomes: list[Outcome] = field(default_factory=list)
    served: dict[str, str] = field(default_factory=dict)
    versions: int = 0
    aliases: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Training:
    """Trains by applying manifests, and waits for what the cluster says."""

    stack: Stack
    console: Console
    operator_runs: Callable[[], bool]

    async def run(self, manifest: dict[str, Any]) -> Outcome:
        """Apply a TrainingJob and follow it until its outcome is known and its MLflow run is closed."""
        name = manifest["metadata"]["name"]
        self.stack.kubectl.apply(manifest)
        begin, last = time.monotonic(), ""
        while True:
            status = await asyncio.to_thread(self._status, name)
            seconds = time.monotonic() - begin
            if (line := _summary(status)) != last:
                self.console.print(f"  {seconds:5.0f} s  {line}", soft_wrap=True, markup=False)
                last = line
            if _ended(status):
                return await asyncio.to_thread(self._read_back, name, status, seconds)
            if not self.operator_runs():
                raise DemoFailedError("the operator has ended")
            if seconds > RUN_SECONDS:
                raise DemoFailedError(f"{name} has not ended within {RUN_SECONDS} s. Last seen: {line}")
            await asyncio.sleep(0.5)

    def _status(self, name: str) -> TrainingJobStatus:
        live = self.stack.kubectl.get("trainingjobs", name) or {}
        return TrainingJobStatus.model_validate(live.get("status", {}))

    def _read_back(self, name: str, status: TrainingJobStatus, seconds: float) -> Outcome:
        client = _client(self.stack)
        run_tags = dict(client.get_run(status.run_id).data.tags) if status.run_id else {}
        version = status.model_version
        version_tags = dict(client.get_model_version(MODEL, version).tags) if version else {}
        return Outcome(name, status, seconds, run_tags, version_tags)


async def play(stack: Stack, console: Console, operator_runs: Callable[[], bool]) -> TrainingStory:
    """Train, serve, train better, be refused, train again. Raises DemoFailedError at the first thing not observed."""
    story, training = TrainingStory(), Training(stack, console, operator_runs)
    watcher = Watcher(stack.kubectl, MODEL, console, operator_runs)
    upload(stack.mlflow_url)

    async def train(title: str, manifest: dict[str, Any]) -> str:
        console.print(f"\n[bold]{manifest['metadata']['name']}[/]: {title}")
        outcome = await training.run(manifest)
        story.outcomes.append(outcome)
        return outcome.status.model_version or ""

    async def serve(version: str, verdict: str) -> None:
        if not version:
            raise DemoFailedError(f"nothing was registered: {_summary(story.outcomes[-1].status)}")
        await watcher.until(f"v{version}", lambda status: fell(status, version, verdict), seconds=VERDICT_SECONDS)

    job, deployment = _manifests("progression.yaml")
    better, unfair = _manifests("progression-all.yaml")[0], _manifests("progression-biased.yaml")[0]
    first = await train("one measurement; kubectl apply -f examples/training/progression.yaml", job)
    stack.apply_gateway()
    stack.kubectl.apply(deployment)
    await serve(first, "Installed")
    async with sending(stack.gateway_url, HOST, request_bodies(), RATE) as watcher.traffic:
        second = await train("all ten measurements; its version is tried on real requests", better)
        await serve(second, "Promoted")
    await train("trained on one sex only", unfair)
    await train("the same as progression-all once more, registering nothing", _again(better))
    await asyncio.to_thread(_read_registry, story, stack)
    story.served = {entry.to_version: entry.verdict for entry in watcher.status().history if entry.to_version}
    return story


def upload(mlflow_url: str) -> None:
    """Put the data into MLflow's artifact store: what ``curl --upload-file`` does."""
    with tempfile.TemporaryDirectory() as folder:
        content = cohort.write(Path(folder)).read_bytes()
    request = urllib.request.Request(f"{mlflow_url}/{DATA}/{cohort.FILE}", data=content, method="PUT")
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()


def request_bodies() -> list[str]:
    """Requests about real patients, four in each."""
    with tempfile.TemporaryDirectory() as folder:
        rows = cohort.read(cohort.write(Path(folder)).parent)[list(cohort.MEASUREMENTS)]
    return [
        json.dumps({"dataframe_split": {"columns": list(rows.columns), "data": rows[at : at + 4].to_numpy().tolist()}})
        for at in range(0, len(rows), 4)
    ]


def _manifests(file: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((EXAMPLES / file).read_text()))


def _again(manifest: dict[str, Any]) -> dict[str, Any]:
    spec = {key: value for key, value in manifest["spec"].items() if key not in {"gates", "register"}}
    return {**manifest, "metadata": {"name": "progression-again"}, "spec": spec}


def _read_registry(story: TrainingStory, stack: Stack) -> None:
    client = _client(stack)
    story.versions = len(client.search_model_versions(f"name='{MODEL}'"))
    aliases = (CHALLENGER, CHAMPION)
    story.aliases = {alias: str(client.get_model_version_by_alias(MODEL, alias).version) for alias in aliases}


def _client(stack: Stack) -> Any:
    from mlflow import MlflowClient  # noqa: PLC0415  takes seconds

    return MlflowClient(stack.mlflow_url)


def _ended(status: TrainingJobStatus) -> bool:
    succeeded = find(status.conditions, "Succeeded")
    closed = status.run_id is None or status.run_status in {"FINISHED", "FAILED", "KILLED"}
    return succeeded is not None and succeeded.status != "Unknown" and closed


def _summary(status: TrainingJobStatus) -> str:
    """One line: run, attempt, step and F1, gates, and what the Succeeded condition says."""
    succeeded, progress = find(status.conditions, "Succeeded"), status.progress
    f1 = {metric.name: metric.value for metric in progress.metrics}.get("f1") if progress else None
    parts = [
        f"run {status.run_id[:8]}" if status.run_id else "",
        f"attempt {status.attempts.started}" if status.attempts and status.attempts.started else "",
        f"step {progress.step}" if progress and progress.step else "",
        f"f1 {f1}" if f1 else "",
        f"gates {sum(gate.verdict == 'Passed' for gate in status.gates)}/{len(status.gates)}" if status.gates else "",
        succeeded.message if succeeded else "not seen by the operator yet",
    ]
    return " | ".join(part for part in parts if part)
