"""The model card: what a reader must know before using the model (Mitchell et al., Model Cards for Reporting, 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from examples.training.job import Job

__all__ = ["model_card"]

_CARD = """\
# Fast progression of diabetes

Says whether the disease of a patient will progress more within a year than it did in half of the patients of the study.
Logistic regression on {features}; regularization {regularization}, seed {seed}.

**Meant for** showing how a model is trained, audited and rolled out. **Not meant for** any decision about a patient.

## Data
{rows} patients of one study (Efron, Hastie, Johnstone and Tibshirani, 2004), each measured once.
Trained on: {trained_on}. Sex is coded 1 and 2 in the source, which does not say which is which.

## How good it is
F1 {f1:.3f}: mean over {folds} folds, each judged by a model that has not seen it. Folds are small, so a difference of a
few hundredths between two runs means nothing.

| group | patients | recall | false positive rate |
|---|---|---|---|
{groups}

Largest gap in recall: {gaps}.

## What it looks at
{explanations} (mean absolute SHAP value, log-odds).
"""


def model_card(
    job: Job, rows: int, metrics: Mapping[str, float], audit: Mapping[str, Any], explanations: Mapping[str, Any]
) -> str:
    """The card as Markdown."""
    recipe = job.recipe
    return _CARD.format(
        features=", ".join(recipe.features),
        regularization=recipe.regularization,
        seed=job.seed,
        rows=rows,
        trained_on=recipe.trained_on,
        f1=metrics["f1"],
        folds=recipe.folds,
        groups="\n".join(_lines(audit)),
        gaps=", ".join(f"{found['gaps']['recall']:.3f} by {division}" for division, found in audit.items()),
        explanations=", ".join(f"{feature} {value:.2f}" for feature, value in explanations["all"].items()),
    )


def _lines(audit: Mapping[str, Any]) -> list[str]:
    return [
        f"| {name} | {group['rows']:.0f} | {group['recall']:.3f} | {group['false_positive_rate']:.3f} |"
        for found in audit.values()
        for name, group in found["groups"].items()
    ]
