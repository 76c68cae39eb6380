"""How an object stands, in one word for its colour: the same for all kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rollmodel.api.conditions import Condition, find
from rollmodel.api.driftpolicy import DriftPolicyStatus
from rollmodel.api.modeldeployment import ModelDeploymentStatus
from rollmodel.api.trainingjob import TrainingJobStatus
from rollmodel.cli.common.printing.colours import colour
from rollmodel.cli.common.printing.rows import status_of

__all__ = ["LEVELS", "level", "level_of_word", "state"]

#: The worst first. ``look``: somebody should look at it; ``busy``: it goes on by itself.
LEVELS = ("bad", "look", "busy", "new", "good")

_OF_COLOUR = {"red": "bad", "yellow": "look", "green": "good"}


def state(manifest: Mapping[str, Any]) -> tuple[str, str, str]:
    """Level, one word, and what the operator says about it. Raises Invalid for a status of another version."""
    conditions = _conditions(manifest)
    sum_up = find(conditions, "Succeeded" if manifest["kind"] == "TrainingJob" else "Ready")
    if sum_up is None:
        return "new", "Pending", "the operator has not seen it yet"
    word = sum_up.type if sum_up.status == "True" and sum_up.type == "Succeeded" else sum_up.reason
    stalled = find(conditions, "Stalled")
    message = stalled.message if stalled is not None and _is(stalled, "True") else sum_up.message
    return level(conditions, sum_up), word, message


def _conditions(manifest: Mapping[str, Any]) -> Sequence[Condition]:
    match manifest["kind"]:
        case "TrainingJob":
            return status_of(TrainingJobStatus, manifest).conditions
        case "DriftPolicy":
            return status_of(DriftPolicyStatus, manifest).conditions
        case _:
            return status_of(ModelDeploymentStatus, manifest).conditions


def level(conditions: Sequence[Condition], sum_up: Condition) -> str:
    """One of LEVELS."""
    if _is(find(conditions, "Stalled"), "True"):
        return "bad"
    if _is(find(conditions, "Reconciling"), "True") or sum_up.status == "Unknown":
        return "busy"
    if sum_up.status == "True":
        return "look" if _is(find(conditions, "DriftDetected"), "True") else "good"
    # What was rolled back or aborted hurts nobody: the version before serves. What failed has to be looked at.
    return "bad" if sum_up.type == "Succeeded" else "look"


def level_of_word(word: str) -> str:
    """The colour of a verdict or of a condition's status; empty for a word that is neither good nor bad."""
    return _OF_COLOUR.get(colour(word), "")


def _is(condition: Condition | None, status: str) -> bool:
    return condition is not None and condition.status == status
