"""The three kinds as the API server is told about them: names, columns, subresources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rollmodel.api.base import ApiModel
from rollmodel.api.driftpolicy import DriftPolicySpec, DriftPolicyStatus
from rollmodel.api.modeldeployment import ModelDeploymentSpec, ModelDeploymentStatus
from rollmodel.api.schema import Rule
from rollmodel.api.trainingjob import TrainingJobSpec, TrainingJobStatus

__all__ = ["KINDS", "Column", "Kind"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of ``kubectl get``; ``wide`` ones only with ``-o wide``."""

    name: str
    json_path: str
    description: str
    type: str = "string"
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """One custom resource."""

    kind: str
    plural: str
    short_name: str
    description: str
    spec: type[ApiModel]
    status: type[ApiModel]
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()
    scale: Mapping[str, Any] = field(default_factory=dict)


def _condition(name: str, type_: str, value: str, description: str, *, wide: bool = False) -> Column:
    of_column = "date" if value.endswith("Time") else "string"
    return Column(name, f'.status.conditions[?(@.type=="{type_}")].{value}', description, type=of_column, wide=wide)


_AGE = Column("Age", ".metadata.creationTimestamp", "Time since it was created.", type="date")

KINDS = (
    Kind(
        kind="ModelDeployment",
        plural="modeldeployments",
        short_name="mdep",
        description="Serves one model, and lets each new version earn its traffic.",
        spec=ModelDeploymentSpec,
        status=ModelDeploymentStatus,
        columns=(
            _condition("Ready", "Ready", "status", "Whether all is as asked."),
            Column("Stable", ".status.stable.modelVersion", "Model version that has earned its traffic."),
            Column("Candidate", ".status.candidate.modelVersion", "Model version that is being tried."),
            Column("Weight", ".status.candidate.weight", "Percent of traffic of the candidate.", type="integer"),
            _condition("Reason", "Ready", "reason", "What is going on, as a whole."),
            _condition("Rollout", "Progressing", "reason", "What the candidate is doing."),
            _AGE,
            _condition("Metrics", "MetricsAvailable", "reason", "Whether the candidate can be judged.", wide=True),
            Column("Baseline", ".status.baseline.weight", "Percent of its baseline.", type="integer", wide=True),
            Column("Revision", ".status.stable.revision", "Stable revision.", wide=True),
            Column("Digest", ".status.stable.digest", "Digest of the stable model's files.", wide=True),
            _condition("Message", "Ready", "message", "What is going on, in words.", wide=True),
        ),
        scale={
            "specReplicasPath": ".spec.scale.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        },
    ),
    Kind(
        kind="TrainingJob",
        plural="trainingjobs",
        short_name="tjob",
        description="Reproducible training that ends in a registered, gated version.",
        spec=TrainingJobSpec,
        status=TrainingJobStatus,
        columns=(
            _condition("Succeeded", "Succeeded", "status", "Outcome; Unknown while it runs."),
            _condition("State", "Succeeded", "reason", "What is going on."),
            Column("Attempt", ".status.attempts.started", "Attempts that were started.", type="integer"),
            Column("Step", ".status.progress.step", "Step of the last logged metric.", type="integer"),
            _condition("Gates", "GatesPassed", "status", "Whether all gates hold; Unknown until they are evaluated."),
            Column("Version", ".status.modelVersion", "Version that was registered."),
            _AGE,
            Column("Schedule", ".spec.schedule.cron", "When it runs, if it runs again and again.", wide=True),
            Column("Failures", ".status.attempts.failures", "Failed attempts.", type="integer", wide=True),
            Column("Disruptions", ".status.attempts.disruptions", "Interrupted attempts.", type="integer", wide=True),
            Column(
                "Done", ".status.progress.estimatedCompletionTime", "When it will be done, at this pace.", wide=True
            ),
            Column("Run", ".status.runId", "Run in the tracking server.", wide=True),
            _condition("Message", "Succeeded", "message", "What is going on, in words.", wide=True),
        ),
        rules=(
            Rule(
                "!has(self.spec.schedule) || size(self.metadata.name) <= 42",
                "must have a name of at most 42 characters with `spec.schedule`: each run is called '<name>-<number>'",
            ),
        ),
    ),
    Kind(
        kind="DriftPolicy",
        plural="driftpolicies",
        short_name="dpol",
        description="Notices when the world has left what the model was trained on, with a budget of false alarms.",
        spec=DriftPolicySpec,
        status=DriftPolicyStatus,
        columns=(
            _condition("Ready", "Ready", "status", "Whether it can evaluate."),
            Column("Model", ".spec.modelDeploymentRef.name", "ModelDeployment that is watched."),
            _condition("State", "Ready", "reason", "What it found; only Stable is healthy."),
            _condition(
                "Since",
                "DriftDetected",
                "lastTransitionTime",
                "How long an alarm has been on, or none, or nothing has been known.",
            ),
            Column("Worst", ".status.signals[0].name", "Signal that changed most."),
            Column("Retrain", ".status.retrains[0].outcome", "What became of the last training."),
            Column("Looked", ".status.lastEvaluationTime", "Time since the last look.", type="date"),
            _AGE,
            Column("Mode", ".spec.retrain.mode", "Whether an alarm starts a training.", wide=True),
            Column("PSI", ".status.signals[0].correctedPsi", "How far it changed.", wide=True),
            _condition("Blocked", "RetrainBlocked", "reason", "What holds a training back.", wide=True),
            Column("Budget", ".status.budget.remaining", "What is left of the false-alarm budget.", wide=True),
            _condition("Message", "Ready", "message", "What is going on, in words.", wide=True),
        ),
    ),
)
