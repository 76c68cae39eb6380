"""Begin to log, if the pod is told to. A log never keeps a model from being served."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.registry import Collector

from rollmodel.errors import Invalid
from rollmodel.profile import FILE_NAME, ProfileError, load_profile
from rollmodel.serving.predictions.config import LogConfig, configured
from rollmodel.serving.predictions.files import open_shelf
from rollmodel.serving.predictions.log import PredictionLog
from rollmodel.serving.predictions.tally import LogMetrics, Tally

__all__ = ["ABOUT_FORMAT", "Logging", "about_text", "start_logging"]

ABOUT_FORMAT = "rollmodel-predictions/1"
MULTIPROC = "PROMETHEUS_MULTIPROC_DIR"

logger = logging.getLogger("rollmodel.serve")


@dataclass(frozen=True, slots=True)
class Logging:
    """What shows the counts, and what takes the rows."""

    metrics: Collector
    log: PredictionLog


def start_logging(model: Path) -> Logging | None:
    """For the model in this folder; None where no log is asked for, or it cannot be."""
    try:
        config = configured()
        if config is None:
            return None
        shelf = open_shelf(config)
    except (Invalid, OSError) as error:
        logger.warning("predictions are not logged: %s", error)
        return None
    try:
        profile = load_profile(model)
    except ProfileError:
        profile = None  # the exporter says why
    folder = os.environ.get(MULTIPROC)
    tally = Tally(Path(folder) if folder else None)
    names = [feature.name for feature in profile.features] if profile is not None else []
    about = about_text(config, (model / FILE_NAME).read_text(encoding="utf-8") if profile is not None else None)
    return Logging(LogMetrics(tally), PredictionLog(config, shelf, tally, names=names, about=about))


def about_text(config: LogConfig, profile: str | None) -> str:
    """What lies beside the files: who wrote them, which columns are left out, and the model's profile."""
    content = {
        "format": ABOUT_FORMAT,
        "model": config.model,
        "revision": config.revision,
        "sampleRatio": config.sample_ratio,
        "includeColumns": list(config.include),
        "excludeColumns": list(config.exclude),
        "profile": None if profile is None else json.loads(profile),
    }
    return json.dumps(content, indent=1)
