"""What a run is called in MLflow, shared by the plan and the gatherer."""

from __future__ import annotations

import re

from rollmodel.api.base import GROUP
from rollmodel.api.trainingjob import TrainingJobSpec

__all__ = ["FINAL_STATES", "OWNER_TAG", "RERUN_TAG", "TRAINING_JOB_TAG", "aliased", "experiment", "with_histories"]

#: Tag of runs and versions: the UID of the TrainingJob that made them.
OWNER_TAG = f"{GROUP}/owner"

#: Tag of runs and versions: the TrainingJob that made them, as ``<namespace>/<name>``.
TRAINING_JOB_TAG = f"{GROUP}/trainingjob"

#: Tag of runs: what their result depends on.
RERUN_TAG = f"{GROUP}/reproducibility-hash"

#: A run in one of these is closed.
FINAL_STATES = frozenset({"FINISHED", "FAILED", "KILLED"})

_BY_ALIAS = re.compile(r"models:/(?P<model>[^/@]+)@(?P<alias>[A-Za-z0-9_-]+)")


def aliased(uri: str) -> tuple[str, str] | None:
    """Model and alias of an input such as ``models:/churn@champion``; None for any other address."""
    named = _BY_ALIAS.fullmatch(uri)
    return (named["model"], named["alias"]) if named else None


def experiment(namespace: str, name: str, spec: TrainingJobSpec) -> str:
    """Name of the experiment that the run belongs to."""
    return spec.tracking.experiment or f"{namespace}/{name}"


def with_histories(spec: TrainingJobSpec) -> tuple[str, ...]:
    """Names of metrics whose folds or bootstrap draws the gates need, of our run and of the champion's."""
    metrics = (spec.gates.metrics if spec.gates else None) or ()
    compared = [gate.name for gate in metrics if gate.no_worse_than_champion_by is not None]
    return tuple(f"{name}/{kind}" for name in compared for kind in ("fold", "bootstrap"))
