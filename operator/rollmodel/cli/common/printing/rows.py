"""One line for each object, whatever its kind: what ``rollmodel get`` shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from rollmodel.api.base import ApiModel
from rollmodel.api.conditions import Condition, find
from rollmodel.api.driftpolicy import DriftPolicyStatus
from rollmodel.api.modeldeployment import ModelDeploymentStatus
from rollmodel.api.trainingjob import GateStatus, Progress, QueueStatus, TrainingJobSpec, TrainingJobStatus
from rollmodel.cli.rollout.report import duration
from rollmodel.errors import Invalid

__all__ = ["HEADINGS", "Row", "age", "gates", "key_metric", "number", "queue", "row_of", "spec_of", "status_of"]

HEADINGS = ("NAME", "STATE", "ATTEMPT", "STEP", "METRIC", "ETA", "QUEUE", "GATES", "VERSION", "AGE")

Model = TypeVar("Model", bound=ApiModel)


@dataclass(frozen=True, slots=True)
class Row:
    """The cells; one that does not apply is empty."""

    name: str
    state: str
    attempt: str = ""
    step: str = ""
    metric: str = ""
    eta: str = ""
    queue: str = ""
    gates: str = ""
    version: str = ""
    age: str = ""

    @property
    def cells(self) -> Sequence[str]:
        """In the order of HEADINGS."""
        return astuple(self)


def row_of(manifest: Mapping[str, Any], now: datetime) -> Row:
    """The line of an object of ours. Raises Invalid for a status of another version."""
    match manifest["kind"]:
        case "TrainingJob":
            return _of_training(manifest, now)
        case "DriftPolicy":
            return _of_policy(manifest, now)
        case _:
            return _of_deployment(manifest, now)


def status_of(model: type[Model], manifest: Mapping[str, Any]) -> Model:
    """The status. Raises Invalid."""
    return _read(model, manifest, "status")


def spec_of(manifest: Mapping[str, Any]) -> TrainingJobSpec:
    """The spec of a TrainingJob. Raises Invalid."""
    return _read(TrainingJobSpec, manifest, "spec")


def _read(model: type[Model], manifest: Mapping[str, Any], part: str) -> Model:
    try:
        return model.model_validate(manifest.get(part) or {})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(place) for place in first["loc"])
        raise Invalid(f"{part}.{where} of {manifest['metadata']['name']} cannot be read: {first['msg']}") from error


def age(since: str | None, now: datetime) -> str:
    """How long ago an RFC 3339 time is, in words; empty where it is not known."""
    return duration((now - datetime.fromisoformat(since)).total_seconds()) if since else ""


def number(text: str) -> str:
    """A logged number in four digits; other text as it is."""
    try:
        return f"{float(text):.4g}"
    except ValueError:
        return text


def key_metric(spec: TrainingJobSpec, progress: Progress | None) -> str:
    """The metric that most depends on: the first that a gate asks for, or else the first that was logged."""
    seen = {metric.name: metric.value for metric in progress.metrics} if progress else {}
    gated = [gate.name for gate in (spec.gates.metrics if spec.gates else None) or ()]
    name = next((name for name in [*gated, *seen] if name in seen), None)
    return f"{name} {number(seen[name])}" if name else ""


def gates(results: Sequence[GateStatus]) -> str:
    """How many of the gates held."""
    passed = sum(gate.verdict == "Passed" for gate in results)
    return f"{passed}/{len(results)}" if results else ""


def queue(status: QueueStatus | None) -> str:
    """The place in Kueue's queue, or why there is none."""
    if status is None:
        return ""
    return f"{status.position} ahead" if status.position is not None else status.reason or ""


def _of_training(manifest: Mapping[str, Any], now: datetime) -> Row:
    status, spec = status_of(TrainingJobStatus, manifest), spec_of(manifest)
    progress, succeeded = status.progress, find(status.conditions, "Succeeded")
    going = status.completion_time is None
    return Row(
        name=f"tjob/{manifest['metadata']['name']}",
        state=_state(succeeded, "Succeeded"),
        attempt=str(status.attempts.started) if status.attempts and status.attempts.started else "",
        step=str(progress.step) if progress and progress.step is not None else "",
        metric=key_metric(spec, progress),
        eta=_eta(status, now) if going else "",
        queue=queue(status.queue) if going else "",
        gates=gates(status.gates),
        version=status.model_version or "",
        age=age(manifest["metadata"].get("creationTimestamp"), now),
    )


def _of_policy(manifest: Mapping[str, Any], now: datetime) -> Row:
    status = status_of(DriftPolicyStatus, manifest)
    ready = find(status.conditions, "Ready")
    worst = next((one for one in status.signals if one.verdict in {"Suspected", "Drifted"}), None)
    return Row(
        name=f"dpol/{manifest['metadata']['name']}",
        state=ready.reason if ready is not None else "Pending",
        metric=f"{worst.name} {worst.message or f'PSI {worst.corrected_psi}'}" if worst is not None else "",
        age=age(manifest["metadata"].get("creationTimestamp"), now),
    )


def _eta(status: TrainingJobStatus, now: datetime) -> str:
    if status.schedule and status.schedule.next_schedule_time:
        return f"next in {_until(status.schedule.next_schedule_time, now)}"
    estimate = status.progress.estimated_completion_time if status.progress else None
    return _until(estimate, now) if estimate else ""


def _until(moment: str, now: datetime) -> str:
    return duration((datetime.fromisoformat(moment) - now).total_seconds())


def _state(condition: Condition | None, good: str) -> str:
    """One word: the good one, or why it is not so."""
    if condition is None:
        return "Pending"
    return good if condition.status == "True" else condition.reason


def _of_deployment(manifest: Mapping[str, Any], now: datetime) -> Row:
    status = status_of(ModelDeploymentStatus, manifest)
    steps = len(((manifest.get("spec") or {}).get("rollout") or {}).get("steps") or ())
    candidate, stable = status.candidate, status.stable
    versions = [arm.model_version or arm.revision for arm in (stable, candidate) if arm]
    slowest = next((line for line in status.evidence if line.verdict != "ProvenSafe"), None) if candidate else None
    return Row(
        name=f"mdep/{manifest['metadata']['name']}",
        state=_state(find(status.conditions, "Ready"), "Ready"),
        step=f"{min(max(0, candidate.step) + 1, steps)}/{steps}"
        if candidate and candidate.step is not None and steps
        else "",
        metric=f"{slowest.metric} {slowest.verdict}" if slowest else "",
        eta=(slowest.until_decision or "") if slowest else "",
        version=" → ".join(versions) + (f" ({candidate.weight} %)" if candidate else ""),
        age=age(manifest["metadata"].get("creationTimestamp"), now),
    )
