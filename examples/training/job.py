"""What a TrainingJob tells its containers, read from the environment (docs/adr/0004-training-jobs.md, the contract)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from examples.training.cohort import MEASUREMENTS

__all__ = ["Job", "Recipe"]

EVERYONE = "everyone"


@dataclass(frozen=True, slots=True)
class Recipe:
    """The parameters of the training. ``trained_on`` is a group of ``cohort.groups``, or ``everyone``."""

    features: tuple[str, ...] = MEASUREMENTS
    regularization: float = 1.0
    folds: int = 10
    trained_on: str = EVERYONE

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> Recipe:
        """From ``ROLLMODEL_PARAMETERS``. Raises ValueError for a name that nobody reads: it would be a typing error."""
        known = {"features", "regularization", "folds", "trained-on"}
        if unknown := parameters.keys() - known:
            raise ValueError(f"unknown parameters: {', '.join(sorted(unknown))}; known are {', '.join(sorted(known))}")
        return cls(
            features=tuple(parameters["features"].split()) if "features" in parameters else MEASUREMENTS,
            regularization=float(parameters.get("regularization", "1")),
            folds=int(parameters.get("folds", "10")),
            trained_on=parameters.get("trained-on", EVERYONE),
        )


@dataclass(frozen=True, slots=True)
class Job:
    """One run: ``MLFLOW_TRACKING_URI`` and its credentials are read by MLflow itself."""

    run_id: str
    data: Path
    recipe: Recipe
    seed: int

    @classmethod
    def from_environment(cls, env: Mapping[str, str] = os.environ) -> Job:
        """Raises KeyError where the container was not started as a TrainingJob with an input ``cohort``."""
        return cls(
            run_id=env["MLFLOW_RUN_ID"],
            data=Path(env["ROLLMODEL_INPUT_COHORT"]),
            recipe=Recipe.of(json.loads(env.get("ROLLMODEL_PARAMETERS", "{}"))),
            seed=int(env.get("ROLLMODEL_SEED", "0")),
        )
