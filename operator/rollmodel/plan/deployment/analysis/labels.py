"""How late the labels of metrics come."""

from __future__ import annotations

from rollmodel.api.modeldeployment import Analysis
from rollmodel.plan.deployment.analysis.signals import signal_of

__all__ = ["label_delay"]


def label_delay(analysis: Analysis) -> int:
    """Seconds within which the labels of all metrics have come."""
    return max((signal_of(metric).delay_seconds(metric) for metric in analysis.metrics), default=0)
