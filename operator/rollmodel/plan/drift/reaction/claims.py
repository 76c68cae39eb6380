"""Whose turn it is: of the policies of a namespace whose trainings concern one model, one trains at a time.

A policy claims its turn in its own status (``Starting``), then reads the statuses of the others, and creates the
training only where nobody else has a claim. Of two that claimed at once, the one whose name comes later takes its
claim back, and the other one waits until it has. Who reads last has seen both claims, so it holds with any clocks, with
several operators, and across a crash anywhere (Lamport's one-bit algorithm for mutual exclusion).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rollmodel.plan.drift.observed import Observed
from rollmodel.plan.manifest import Manifest

__all__ = ["ACTIVE", "Claim", "model_of", "other_claim"]

#: Outcomes of a training that is on its way: until its version is promoted, taken back, or given up.
ACTIVE = ("Starting", "Running")


@dataclass(frozen=True, slots=True)
class Claim:
    """Another policy has the turn. ``is_certain``: its training is there; else it may take the claim back."""

    policy: str
    training_job: str
    is_certain: bool

    @property
    def message(self) -> str:
        """Who trains the model, and with which TrainingJob."""
        return f"DriftPolicy {self.policy!r} trains the same model: TrainingJob {self.training_job}"


def model_of(observed: Observed) -> str | None:
    """The registered model that the target serves; None where it names files instead."""
    spec = (observed.deployment or {}).get("spec") or {}
    found: str | None = ((spec.get("model") or {}).get("registry") or {}).get("name")
    return found


def other_claim(observed: Observed) -> Claim | None:
    """The claim of another policy on the same model, a certain one first; None without, or where nobody asked."""
    found = sorted(_claims(observed), key=lambda one: (not one.is_certain, one.policy))
    return found[0] if found else None


def _claims(observed: Observed) -> Iterator[Claim]:
    for other in observed.others or ():
        if other["metadata"]["name"] == observed.name:
            continue
        newest = next(iter((other.get("status") or {}).get("retrains") or ()), None)
        if newest is not None and newest.get("outcome") in ACTIVE and _is_rival(observed, other, newest):
            yield Claim(other["metadata"]["name"], newest.get("trainingJob") or "", newest["outcome"] == "Running")


def _is_rival(observed: Observed, other: Manifest, newest: Mapping[str, Any]) -> bool:
    """Whether both are about one ModelDeployment, one registered model, or one TrainingJob to copy."""
    mine, theirs = observed.spec, other.get("spec") or {}
    if (theirs.get("modelDeploymentRef") or {}).get("name") == mine.model_deployment_ref.name:
        return True
    if newest.get("model") is not None and newest["model"] == model_of(observed):
        return True
    template = mine.retrain.training_job_ref
    named = ((theirs.get("retrain") or {}).get("trainingJobRef") or {}).get("name")
    return template is not None and named == template.name
