"""One TrainingJob: how far it is, what its gates said, and what its result depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rollmodel.api.trainingjob import TrainingJobStatus
from rollmodel.cli.common.printing.rows import number, row_of, status_of
from rollmodel.cli.dashboard.sheets.sheet import Block, Cell, Facts, conditions, facts, verdict
from rollmodel.cli.training import tables

__all__ = ["blocks", "commands", "overview"]


def overview(manifest: Mapping[str, Any], now: datetime, mlflow_url: str | None) -> Facts:
    """What it is and how far. Raises Invalid."""
    status, row = status_of(TrainingJobStatus, manifest), row_of(manifest, now)
    pairs = [(label, text) for label, text in tables.overview(manifest, now, None) if label != "run"]
    return [*facts(pairs), *facts([("gates", row.gates), ("run", _run(status, mlflow_url))])]


def _run(status: TrainingJobStatus, mlflow_url: str | None) -> Cell | None:
    """The run, with its address where MLflow's is known."""
    if not status.run_id:
        return None
    text = f"{status.run_id} ({status.run_status})" if status.run_status else status.run_id
    if not mlflow_url or not mlflow_url.startswith(("http://", "https://")):
        return Cell(text)
    return Cell(text, href=tables.run_link(status, mlflow_url).partition(" (")[0], away=True)


def blocks(manifest: Mapping[str, Any], now: datetime) -> Sequence[Block]:
    """Gates, metrics, inputs, what the result depends on, conditions. Raises Invalid."""
    status = status_of(TrainingJobStatus, manifest)
    gates = [
        [
            Cell(gate.name),
            Cell(gate.check),
            Cell(gate.asked or ""),
            Cell(gate.seen or ""),
            verdict(gate.verdict),
            Cell(gate.message or ""),
        ]
        for gate in status.gates
    ]
    metrics = [
        [Cell(one.name), Cell(number(one.value))] for one in (status.progress.metrics if status.progress else ())
    ]
    inputs = [[Cell(text or "") for text in (one.name, one.uri, one.version, one.digest)] for one in status.inputs]
    depends = [[Cell(label), Cell(text)] for label, text in tables.reproducibility(status)]
    return [
        Block("Gates", ("Gate", "Check", "Asked", "Seen", "Verdict", "Why"), gates),
        Block("Metrics, last values", ("Metric", "Value"), metrics),
        Block("Inputs", ("Input", "Address", "Version", "Digest"), inputs),
        Block("Reproducibility", ("What", "Value"), depends),
        conditions(status.conditions, now),
    ]


def commands(manifest: Mapping[str, Any]) -> Sequence[str]:
    """What helps to know more, to be copied into a terminal. Raises Invalid."""
    name, namespace = manifest["metadata"]["name"], manifest["metadata"]["namespace"]
    status = status_of(TrainingJobStatus, manifest)
    first = ["rollmodel logs tjob/{} -n {}" if status.completion_time else "rollmodel logs -f tjob/{} -n {}"]
    again = ["rollmodel verify-training {} -n {}"] if status.reproducibility is not None else []
    return [text.format(name, namespace) for text in (*first, *again)]
