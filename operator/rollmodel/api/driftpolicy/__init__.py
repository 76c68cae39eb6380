"""DriftPolicy: notice when the world has left what the model was trained on, with a budget of false alarms."""

from __future__ import annotations

from rollmodel.api.driftpolicy.data import (
    CountsSource,
    MetricsSource,
    Outcomes,
    Reference,
    Source,
    StableTrackReference,
    TrainingReference,
    WindowReference,
)
from rollmodel.api.driftpolicy.reaction import HoldOff, Retrain
from rollmodel.api.driftpolicy.signals import Effect, Signal, SignalKind
from rollmodel.api.driftpolicy.spec import DriftPolicySpec
from rollmodel.api.driftpolicy.statistics import Dependence, FalseAlarms, Hysteresis, Samples
from rollmodel.api.driftpolicy.status import (
    BudgetStatus,
    DriftPolicyStatus,
    EpisodeStatus,
    LearntStatus,
    ProfileStatus,
    RetrainStatus,
    SignalStatus,
)

__all__ = [
    "BudgetStatus",
    "CountsSource",
    "Dependence",
    "DriftPolicySpec",
    "DriftPolicyStatus",
    "Effect",
    "EpisodeStatus",
    "FalseAlarms",
    "HoldOff",
    "Hysteresis",
    "LearntStatus",
    "MetricsSource",
    "Outcomes",
    "ProfileStatus",
    "Reference",
    "Retrain",
    "RetrainStatus",
    "Samples",
    "Signal",
    "SignalKind",
    "SignalStatus",
    "Source",
    "StableTrackReference",
    "TrainingReference",
    "WindowReference",
]
