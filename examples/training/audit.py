"""Whom the model serves worse: fairlearn's MetricFrame over groups, as metrics for gates and as a report for people.

Recall is the share of patients with fast progression that the model finds. A gap in recall between groups is what
Hardt, Price and Srebro (Equality of Opportunity in Supervised Learning, 2016) call unequal opportunity.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from fairlearn.metrics import MetricFrame, count, false_positive_rate, selection_rate
from sklearn.metrics import recall_score

__all__ = ["audit"]

METRICS = {
    "recall": recall_score,
    "false_positive_rate": false_positive_rate,
    "selection_rate": selection_rate,
    "rows": count,
}


def audit(truth: pd.Series, predicted: pd.Series, groups: pd.DataFrame) -> tuple[dict[str, float], dict[str, Any]]:
    """Metrics to log, and the report; one column of ``groups`` is one way to divide the rows.

    Logged are ``recall/slice/<group>``, and per division ``recall_gap/<division>`` and
    ``false_positive_rate_gap/<division>``: the largest difference between two of its groups.
    """
    metrics: dict[str, float] = {}
    report: dict[str, Any] = {}
    for division in groups.columns:
        frame = MetricFrame(metrics=METRICS, y_true=truth, y_pred=predicted, sensitive_features=groups[division])
        gaps = frame.difference().drop("rows")
        report[division] = {"groups": frame.by_group.round(4).to_dict("index"), "gaps": gaps.round(4).to_dict()}
        metrics |= {f"recall/slice/{group}": value for group, value in frame.by_group["recall"].items()}
        metrics |= {f"{name}_gap/{division}": gaps[name] for name in ("recall", "false_positive_rate")}
    return metrics, report
