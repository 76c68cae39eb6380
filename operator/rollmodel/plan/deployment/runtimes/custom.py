"""Any server: nothing is known but where it listens."""

from __future__ import annotations

from rollmodel.api.modeldeployment import MetricPreset
from rollmodel.plan.deployment.runtimes.preset import Preset

__all__ = ["CUSTOM"]

CUSTOM = Preset(
    port=8080,
    ready_path="/ready",
    live_path=None,
    cannot=dict.fromkeys(MetricPreset, "the preset Custom knows no metric names; use `counts` or `value`"),
)
