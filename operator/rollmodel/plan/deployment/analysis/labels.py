"""How late the labels of metrics come."""

from __future__ import annotations

from rollmodel.api.modeldeployment import Analysis, Metric

__all__ = ["label_delay", "metric_delay"]


def label_delay(analysis: Analysis) -> int:
    """Seconds within which the labels of all metrics have come."""
    return max((metric_delay(metric) for metric in analysis.metrics), default=0)


def metric_delay(metric: Metric) -> int:
    """Seconds within which the labels of a metric have come."""
    labelled = metric.counts or metric.mean
    return labelled.delay_seconds if labelled else 0
