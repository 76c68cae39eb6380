"""A TrainingJob for the terminal, part by part: for ``describe`` and the live view of ``watch``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from rollmodel.api.conditions import Condition, find
from rollmodel.api.trainingjob import GateStatus, TrainingJobSpec, TrainingJobStatus
from rollmodel.cli.common.printing.colours import colour
from rollmodel.cli.common.printing.rows import age, number, queue, row_of, spec_of, status_of
from rollmodel.cli.rollout.report import duration

__all__ = ["conditions", "described", "gates", "grid", "live", "outcome", "overview", "reproducibility", "run_link"]


def described(manifest: Mapping[str, Any], now: datetime, mlflow_url: str | None) -> Iterator[RenderableType]:
    """Everything that status says, as parts with a heading. Raises Invalid."""
    status, metadata = status_of(TrainingJobStatus, manifest), manifest["metadata"]
    yield Text.assemble((metadata["name"], "bold"), f" in {metadata['namespace']}  ", outcome(status))
    yield grid(overview(manifest, now, mlflow_url))
    yield from _part("Conditions", conditions(status.conditions, now))
    yield from _part("Inputs", _inputs(status))
    yield from _part("Reproducibility", grid(iter(pairs)) if (pairs := list(reproducibility(status))) else None)
    yield from _part("Metrics, last values", _metrics(status))
    yield from _part("Gates", gates(status.gates))


def live(manifest: Mapping[str, Any], now: datetime) -> Iterator[RenderableType]:
    """What moves while a run goes on. Raises Invalid."""
    status = status_of(TrainingJobStatus, manifest)
    row, progress = row_of(manifest, now), status.progress
    yield Text.assemble((manifest["metadata"]["name"], "bold"), "  ", outcome(status))
    pairs = (("attempt", row.attempt), ("queue", row.queue), ("step", row.step), ("done in", row.eta))
    logged = [(metric.name, number(metric.value)) for metric in progress.metrics] if progress else []
    yield grid((label, text) for label, text in (*pairs, *logged) if text)
    results = gates(status.gates)
    if results is not None:
        yield results


def outcome(status: TrainingJobStatus) -> Text:
    """The last word, or what goes on now."""
    succeeded = find(status.conditions, "Succeeded")
    if succeeded is None:
        return Text("Pending: the operator has not seen it yet")
    word = "Succeeded" if succeeded.status == "True" else succeeded.reason
    style = "red" if succeeded.status == "False" else colour(word)
    return Text.assemble((word, f"bold {style}"), f": {succeeded.message}" if succeeded.message else "")


def run_link(status: TrainingJobStatus, mlflow_url: str | None) -> str:
    """Where the run can be looked at; its id where the address of MLflow is not known."""
    if not status.run_id:
        return ""
    state = f" ({status.run_status})" if status.run_status else ""
    if not mlflow_url or not status.experiment_id:
        return f"{status.run_id}{state}"
    return f"{mlflow_url.rstrip('/')}/#/experiments/{status.experiment_id}/runs/{status.run_id}{state}"


def grid(pairs: Iterator[tuple[str, str]]) -> Table:
    """Labels and texts side by side."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for label, text in pairs:
        table.add_row(Text(label, style="dim"), Text(text))
    return table


def conditions(found: Sequence[Condition], now: datetime) -> Table | None:
    """The conditions, each with how long it has been so."""
    table = _table("TYPE", "STATUS", "FOR", "REASON", "MESSAGE")
    for one in found:
        since = age(one.last_transition_time, now)
        table.add_row(one.type, Text(one.status), since, Text(one.reason), Text(one.message))
    return table if found else None


def gates(results: Sequence[GateStatus]) -> Table | None:
    """What each gate asked and saw."""
    table = _table("GATE", "CHECK", "ASKED", "SEEN", "VERDICT", "WHY")
    for gate in results:
        verdict = Text(gate.verdict, style=colour(gate.verdict))
        cells = (Text(text or "") for text in (gate.name, gate.check, gate.asked, gate.seen))
        table.add_row(*cells, verdict, Text(gate.message or ""))
    return table if results else None


def _part(heading: str, content: RenderableType | None) -> Iterator[RenderableType]:
    if content is not None:
        yield Text(f"\n{heading}", style="bold")
        yield content


def overview(manifest: Mapping[str, Any], now: datetime, mlflow_url: str | None) -> Iterator[tuple[str, str]]:
    """Label and text of what is known. Raises Invalid."""
    status, spec = status_of(TrainingJobStatus, manifest), spec_of(manifest)
    annotations = manifest["metadata"].get("annotations") or {}
    registered = f"{spec.registration.model} version {status.model_version}" if spec.registration else ""
    schedule = status.schedule
    pairs = (
        ("image", spec.template.image),
        ("nodes", str(spec.nodes) if spec.nodes > 1 else ""),
        ("verifies", annotations.get("rollmodel.dev/verifies", "")),
        ("attempts", _attempts(status, spec)),
        ("last failure", status.attempts.last_failure or "" if status.attempts else ""),
        ("job", status.job_name or ""),
        ("took" if status.completion_time else "runs for", _took(status, now)),
        ("step", row_of(manifest, now).step),
        ("done in", row_of(manifest, now).eta),
        ("queue", _queue(status)),
        ("run", run_link(status, mlflow_url)),
        ("registered", registered if status.model_version else ""),
        ("schedule", f"{spec.schedule.cron} ({spec.schedule.time_zone})" if spec.schedule else ""),
        ("last run due", schedule.last_schedule_time or "" if schedule else ""),
        ("active runs", ", ".join(schedule.active) if schedule else ""),
    )
    return ((label, text) for label, text in pairs if text)


def _attempts(status: TrainingJobStatus, spec: TrainingJobSpec) -> str:
    tries = status.attempts
    if tries is None:
        return ""
    retry = spec.retry
    text = f"{tries.started}; failures {tries.failures} (retried up to {retry.max_failures})"
    text += f", disruptions {tries.disruptions} (up to {retry.max_disruptions})"
    return text + (f"; {tries.gpu_seconds / 3600:.3g} GPU hours" if tries.gpu_seconds is not None else "")


def _took(status: TrainingJobStatus, now: datetime) -> str:
    if status.start_time is None:
        return ""
    end = datetime.fromisoformat(status.completion_time) if status.completion_time else now
    return duration((end - datetime.fromisoformat(status.start_time)).total_seconds())


def _queue(status: TrainingJobStatus) -> str:
    parts = (queue(status.queue), status.queue.message if status.queue else None)
    return ": ".join(part for part in parts if part) if status.completion_time is None else ""


def _inputs(status: TrainingJobStatus) -> Table | None:
    table = _table("INPUT", "ADDRESS", "VERSION", "DIGEST")
    for entry in status.inputs:
        table.add_row(*(Text(text or "") for text in (entry.name, entry.uri, entry.version, entry.digest)))
    return table if status.inputs else None


def reproducibility(status: TrainingJobStatus) -> Iterator[tuple[str, str]]:
    """What the result depends on: label and text of what is known."""
    names = {
        "hash": "hash",
        "imageDigest": "image digest",
        "gitCommit": "git commit",
        "seed": "seed",
        "parametersHash": "parameters",
        "inputsDigest": "inputs",
        "rerunOf": "rerun of run",
    }
    wire = status.reproducibility.to_wire() if status.reproducibility is not None else {}
    return ((names[key], str(wire[key])) for key in names if key in wire)


def _metrics(status: TrainingJobStatus) -> Table | None:
    found = status.progress.metrics if status.progress else []
    return grid((metric.name, number(metric.value)) for metric in found) if found else None


def _table(*headings: str) -> Table:
    return Table(*headings, box=None, pad_edge=False, header_style="dim")
