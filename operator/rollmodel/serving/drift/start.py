"""Begin to count, if the model has a profile; else say why not. A profile never keeps a model from being served."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.registry import Collector

from rollmodel.profile import FILE_NAME, ProfileError, load_profile
from rollmodel.serving.drift.exposition import DriftMetrics, ProfileProblem
from rollmodel.serving.drift.recorder import Recorder
from rollmodel.serving.drift.signals import signals_of

__all__ = ["Counting", "start_counting"]

MULTIPROC = "PROMETHEUS_MULTIPROC_DIR"

logger = logging.getLogger("rollmodel.serve")


@dataclass(frozen=True, slots=True)
class Counting:
    """What shows the counts, and what takes the rows; None where nothing is counted."""

    metrics: Collector
    recorder: Recorder | None


def start_counting(model: Path) -> Counting:
    """For the model in this folder."""
    try:
        profile = load_profile(model)
    except ProfileError as error:
        logger.warning("rows are not counted for drift: %s", error)
        return Counting(ProfileProblem(error.reason), None)
    if profile is None:
        logger.info("rows are not counted for drift: the model has no %s", FILE_NAME)
        return Counting(ProfileProblem("ProfileMissing"), None)
    signals, left_out = signals_of(profile)
    if left_out:
        logger.warning("%d features are not counted for drift: the least important ones", left_out)
    folder = os.environ.get(MULTIPROC)
    recorder = Recorder(signals, Path(folder) if folder else None)
    return Counting(DriftMetrics(profile, signals, recorder, left_out=left_out), recorder)
