"""ModelDeployment: serve one model, and let each new version earn its traffic."""

from __future__ import annotations

from rollmodel.api.commands import CommandStatus
from rollmodel.api.modeldeployment.analysis import (
    Analysis,
    Metric,
    MetricPreset,
    Tolerance,
)
from rollmodel.api.modeldeployment.measures import (
    Better,
    CountsQuery,
    FeatureValue,
    MeanQuery,
    PairedAnswers,
    ValueQuery,
)
from rollmodel.api.modeldeployment.prediction_log import PredictionLog
from rollmodel.api.modeldeployment.rollout import (
    ABTestPolicy,
    BlueGreenStep,
    OnBlind,
    OnFailure,
    OnUndecided,
    Ramp,
    Rollout,
    ShadowStep,
    Step,
    SwapPolicy,
)
from rollmodel.api.modeldeployment.scale import Scale
from rollmodel.api.modeldeployment.serving import ParentRef, RouteRef, Runtime, RuntimePreset, Traffic
from rollmodel.api.modeldeployment.source import ModelCache, ModelSource, RegistrySource
from rollmodel.api.modeldeployment.spec import ModelDeploymentSpec
from rollmodel.api.modeldeployment.status import (
    ArmStatus,
    EvidenceStatus,
    HeldSize,
    HistoryEntry,
    ModelDeploymentStatus,
    RecordStatus,
    RejectedRevision,
    RoutedRule,
)
from rollmodel.api.pods import EnvVar, ResourceRequirements

__all__ = [
    "ABTestPolicy",
    "Analysis",
    "ArmStatus",
    "Better",
    "BlueGreenStep",
    "CommandStatus",
    "CountsQuery",
    "EnvVar",
    "EvidenceStatus",
    "FeatureValue",
    "HeldSize",
    "HistoryEntry",
    "MeanQuery",
    "Metric",
    "MetricPreset",
    "ModelCache",
    "ModelDeploymentSpec",
    "ModelDeploymentStatus",
    "ModelSource",
    "OnBlind",
    "OnFailure",
    "OnUndecided",
    "PairedAnswers",
    "ParentRef",
    "PredictionLog",
    "Ramp",
    "RecordStatus",
    "RegistrySource",
    "RejectedRevision",
    "ResourceRequirements",
    "Rollout",
    "RouteRef",
    "RoutedRule",
    "Runtime",
    "RuntimePreset",
    "Scale",
    "ShadowStep",
    "Step",
    "SwapPolicy",
    "Tolerance",
    "Traffic",
    "ValueQuery",
]
