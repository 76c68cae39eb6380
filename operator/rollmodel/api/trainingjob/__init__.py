"""TrainingJob: reproducible training that ends in a registered, gated version."""

from __future__ import annotations

from rollmodel.api.trainingjob.gates import Gates, MetricGate, Register
from rollmodel.api.trainingjob.running import Budget, Checkpoint, Retry, Schedule
from rollmodel.api.trainingjob.spec import TrainingJobSpec
from rollmodel.api.trainingjob.status import (
    Attempts,
    Claim,
    GateStatus,
    InputStatus,
    Progress,
    QueueStatus,
    Reproducibility,
    ScheduleStatus,
    TrainingJobStatus,
)
from rollmodel.api.trainingjob.subject import DataWindow, Parameter, Source, Tracking, TrainingInput
from rollmodel.api.trainingjob.template import DataValidation, TrainingTemplate, VolumeClaim

__all__ = [
    "Attempts",
    "Budget",
    "Checkpoint",
    "Claim",
    "DataValidation",
    "DataWindow",
    "GateStatus",
    "Gates",
    "InputStatus",
    "MetricGate",
    "Parameter",
    "Progress",
    "QueueStatus",
    "Register",
    "Reproducibility",
    "Retry",
    "Schedule",
    "ScheduleStatus",
    "Source",
    "Tracking",
    "TrainingInput",
    "TrainingJobSpec",
    "TrainingJobStatus",
    "TrainingTemplate",
    "VolumeClaim",
]
