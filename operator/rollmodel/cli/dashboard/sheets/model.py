"""One ModelDeployment: weights, steps, evidence over time, decisions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rollmodel.api.modeldeployment import HistoryEntry, ModelDeploymentSpec, ModelDeploymentStatus
from rollmodel.cli.backtest.recording import Moment
from rollmodel.cli.common.manifest import spec_of
from rollmodel.cli.common.printing.rows import age, status_of
from rollmodel.cli.dashboard.overview import Share, shares
from rollmodel.cli.dashboard.sheets.sheet import Block, Cell, Facts, conditions, facts, verdict
from rollmodel.cli.rollout import past, report
from rollmodel.cli.rollout.charts import Chart, charts, weights
from rollmodel.cli.rollout.report import MetricView, Report
from rollmodel.plan.deployment.strategies.goals import Goal
from rollmodel.plan.deployment.strategies.table import strategy_for

__all__ = ["Drawn", "Step", "blocks", "commands", "drawn", "overview"]


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the canary. ``place``: done, now or next."""

    text: str
    place: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is drawn of a rollout. ``charts``: by metric; ``weights``: None before there are two moments."""

    report: Report
    shares: Sequence[Share]
    steps: Sequence[Step]
    charts: Mapping[str, Sequence[Chart]]
    weights: Chart | None


def drawn(manifest: Mapping[str, Any], moments: Sequence[Moment], now: datetime) -> Drawn:
    """The rollout. Raises Invalid."""
    found = _as_it_ended(report.of_manifest(manifest, now), moments, manifest)
    status = status_of(ModelDeploymentStatus, manifest)
    return Drawn(
        report=found,
        shares=shares(status),
        steps=list(_steps(spec_of(manifest), status)),
        charts={metric.name: list(charts(metric, moments)) for metric in found.metrics},
        weights=weights(moments),
    )


def _as_it_ended(found: Report, moments: Sequence[Moment], manifest: Mapping[str, Any]) -> Report:
    """With the numbers of the last moment; the verdict is that of the status, which may have fallen after it."""
    said = {metric.name: metric for metric in found.metrics}
    ended = past.as_it_ended(found, moments, manifest)
    if ended is found:
        return found
    return replace(ended, metrics=[_as_said(metric, said.get(metric.name)) for metric in ended.metrics])


def _as_said(metric: MetricView, said: MetricView | None) -> MetricView:
    """Nothing is to go any more."""
    harm, safe = (replace(proof, seconds=None) if proof is not None else None for proof in (metric.harm, metric.safe))
    verdict, line = (said.verdict, said.line) if said is not None else (metric.verdict, metric.line)
    return replace(metric, verdict=verdict, line=line, harm=harm, safe=safe)


def overview(manifest: Mapping[str, Any]) -> Facts:
    """Where the model comes from and who judges it. Raises Invalid."""
    spec, raw = spec_of(manifest), manifest.get("spec") or {}
    source = raw.get("model") or {}
    registry = source.get("registry") or {}
    pinned = f"version {registry.get('version')}" if registry.get("version") else f"alias {registry.get('alias')}"
    metrics = ", ".join(metric.name for metric in spec.analysis.metrics)
    return facts(
        (
            ("model", f"{registry['name']}, {pinned}" if registry.get("name") else source.get("uri")),
            ("champion alias", registry.get("championAlias")),
            ("runtime", str(spec.runtime.preset)),
            ("traffic", "HTTPRoute" if raw.get("traffic") else "ratio of the pods"),
            ("judged by", metrics),
        )
    )


def blocks(manifest: Mapping[str, Any], now: datetime) -> Sequence[Block]:
    """Decisions and conditions. Raises Invalid."""
    status = status_of(ModelDeploymentStatus, manifest)
    rows = [_decision(entry, now) for entry in reversed(status.history)]
    decisions = Block("Decisions", ("Ago", "Verdict", "Versions", "Why", "By"), rows)
    return [decisions, conditions(status.conditions, now)]


def commands(manifest: Mapping[str, Any]) -> Sequence[str]:
    """What a person may ask for now, to be copied into a terminal. Raises Invalid."""
    status = status_of(ModelDeploymentStatus, manifest)
    verbs = ["explain"]
    if status.candidate is not None:
        verbs += ["promote", "abort", "resume" if status.paused else "pause"]
    elif status.rejected is not None:
        verbs += ["retry"]
    if status.candidate is None and any(entry.verdict == "Promoted" for entry in status.history):
        verbs += ["undo"]
    name, namespace = manifest["metadata"]["name"], manifest["metadata"]["namespace"]
    return [f"rollmodel {verb} {name} -n {namespace}" for verb in verbs]


def _steps(spec: ModelDeploymentSpec, status: ModelDeploymentStatus) -> Iterator[Step]:
    """The way of a candidate; nothing where none is tried."""
    if status.candidate is None:
        return
    present = status.candidate.step if status.candidate.step is not None else -1
    strategy = strategy_for(spec)
    goals = {step: strategy.goal(spec, step) for step in range(strategy.step_count(spec))}
    texts = {-1: "start", **{step: _at_step(spec, goal, step) for step, goal in goals.items()}, len(goals): "100 %"}
    for place, text in texts.items():
        of_ramp = spec.rollout.ramp is not None and place in goals and not goals[place].mirrored
        if of_ramp and place not in {present, len(goals) - 1}:
            continue  # a ramp leaves out most of its weights
        yield Step(text, "done" if place < present else "now" if place == present else "next")


def _at_step(spec: ModelDeploymentSpec, goal: Goal, step: int) -> str:
    if goal.preview:
        return "preview"
    if goal.mirrored:
        return f"copies of {goal.mirrored} %"
    return "pause" if strategy_for(spec).limits(spec, step) is None else f"{goal.weight} %"


def _decision(entry: HistoryEntry, now: datetime) -> Sequence[Cell]:
    before, about = entry.from_version or entry.from_revision, entry.to_version or entry.to_revision
    moved = (
        about
        if before is None
        else f"{before} → {about}"
        if entry.verdict == "Promoted"
        else f"{about}, {before} stays"
    )
    why = f"{entry.reason} ({entry.evidence})" if entry.evidence else entry.reason
    return [Cell(age(entry.time, now)), verdict(entry.verdict), Cell(moved), Cell(why), Cell(entry.by or "")]
