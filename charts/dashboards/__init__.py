"""Grafana dashboards as code; ``python -m charts`` writes them as JSON into the chart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from charts.dashboards.drift import DRIFT
from charts.dashboards.fleet import FLEET
from charts.dashboards.model import MODEL
from charts.dashboards.training import TRAINING

__all__ = ["DASHBOARDS", "dashboard_files"]

#: Name of the file -> the page.
DASHBOARDS = {"fleet": FLEET, "model": MODEL, "training": TRAINING, "drift": DRIFT}


def dashboard_files(repository: Path) -> Mapping[Path, str]:
    """File -> content."""
    folder = repository / "charts" / "rollmodel" / "files" / "dashboards"
    return {
        folder / f"{name}.json": json.dumps(page.to_json(), indent=1, ensure_ascii=False) + "\n"
        for name, page in DASHBOARDS.items()
    }
