"""What the model looks at: SHAP values (Lundberg and Lee, A Unified Approach to Interpreting Model Predictions, 2017).

For a linear model of features that are taken as independent they are exact: coefficient times distance from the mean.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import shap
from sklearn.pipeline import Pipeline

__all__ = ["explain"]


def explain(model: Pipeline, features: tuple[str, ...], rows: pd.DataFrame, groups: pd.DataFrame) -> dict[str, Any]:
    """Mean absolute SHAP value of each feature, in log-odds: over all rows, and over each group."""
    seen = pd.DataFrame(model[:-1].transform(rows), columns=list(features), index=rows.index)
    explainer = shap.LinearExplainer(model[-1], shap.maskers.Independent(seen, max_samples=len(seen)))
    weights = pd.DataFrame(explainer.shap_values(seen), columns=list(features), index=rows.index).abs()
    by_group = {
        str(name): _ranked(weights[groups[division] == name])
        for division in groups.columns
        for name in sorted(groups[division].unique())
    }
    return {"unit": "mean absolute SHAP value, log-odds", "all": _ranked(weights), "groups": by_group}


def _ranked(weights: pd.DataFrame) -> dict[str, float]:
    return {str(name): round(float(value), 4) for name, value in weights.mean().sort_values(ascending=False).items()}
