"""What the API server takes and the operator would refuse later: queries, margins, schedules, mounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.api.trainingjob import Schedule, TrainingJobSpec
from rollmodel.cli.lint.findings import Path
from rollmodel.errors import Invalid
from rollmodel.evidence.core.plans import PlanError, validated
from rollmodel.plan.deployment.analysis.policy import judge_plan
from rollmodel.plan.deployment.analysis.promql import scope
from rollmodel.plan.deployment.analysis.signals import promql
from rollmodel.plan.deployment.objects.revision import wanted
from rollmodel.plan.deployment.observed import Defaults, PinnedModel
from rollmodel.plan.deployment.strategies.requirements import unmet
from rollmodel.plan.training.lifecycle.validation import refusals
from rollmodel.plan.training.schedule.cron import Timetable

__all__ = ["refused_by_operator"]

Refusal = tuple[Path, str]


def refused_by_operator(kind: str, spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Field and message; the spec must be one that the API server takes."""
    if kind in _CHECKS:
        yield from _CHECKS[kind](spec)


def _deployment(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    parsed = ModelDeploymentSpec.model_validate(spec)
    words = scope("namespace", "name", stable="1", candidate="2", interval_seconds=10)
    for index, metric in enumerate(parsed.analysis.metrics):
        try:
            promql(metric, parsed.runtime, words)
        except Invalid as error:
            yield ("spec", "analysis", "metrics", index), str(error)
    try:
        wanted("name", parsed, PinnedModel("models:/name/1", "sha256:0"), Defaults("", ""))
    except Invalid as error:
        yield ("spec", "runtime"), str(error)
    yield from _triggers(parsed)
    if (problem := unmet(parsed)) is not None:
        yield ("spec", "rollout"), problem.message
    try:
        validated(judge_plan(parsed))
    except PlanError as error:
        yield ("spec", "analysis"), f"cannot be judged: {error}"


def _triggers(spec: ModelDeploymentSpec) -> Iterator[Refusal]:
    """Times of KEDA's triggers, which KEDA would refuse only later."""
    keda = spec.scale.autoscaling.keda if spec.scale.autoscaling is not None else None
    for index, trigger in enumerate(keda.triggers if keda is not None else ()):
        cron = trigger.cron
        for field, line in (("start", cron.start), ("end", cron.end)) if cron is not None else ():
            try:
                Timetable.of(
                    Schedule(cron=line, time_zone=cron.time_zone if cron is not None else ""), datetime.now(UTC)
                )
            except Invalid as error:
                told = str(error).replace("schedule.cron", f"`{field}`").replace("schedule.timeZone", "`timeZone`")
                yield ("spec", "scale", "autoscaling", "keda", "triggers", index, "cron"), told


def _training(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    parsed = TrainingJobSpec.model_validate(spec)
    yield from ((("spec",), message) for message in refusals(parsed))
    if parsed.schedule is not None:
        try:
            Timetable.of(parsed.schedule, datetime.now(UTC))
        except Invalid as error:
            yield ("spec", "schedule"), str(error)


_CHECKS: Mapping[str, Callable[[Mapping[str, Any]], Iterator[Refusal]]] = {
    "ModelDeployment": _deployment,
    "TrainingJob": _training,
}
