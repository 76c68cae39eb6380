"""Train a model that says whether diabetes will progress fast: the container ``train``.

Cross-validation first, since its folds are what gates compare with the champion; then the audit of groups, explanations
and the model card on predictions that no model made about rows it had seen; then the model itself, from all rows.
All of it goes to the run that the operator has made; nothing is registered here, because that is for the gates to say.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import version as installed

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from examples.training.cohort import MEASUREMENTS, groups, labels, read
from examples.training.job import EVERYONE, Job, Recipe

__all__ = ["cross_validate", "fit", "main"]

PACKAGES = ("scikit-learn", "skops", "numpy")


def fit(recipe: Recipe, rows: pd.DataFrame, truth: pd.Series) -> Pipeline:
    """A model of those rows that the recipe wants to be trained on. Raises ValueError where there are none."""
    if recipe.trained_on != EVERYONE:
        chosen = (groups(rows) == recipe.trained_on).any(axis="columns")
        rows, truth = rows[chosen], truth[chosen]
    features = make_column_transformer((StandardScaler(), list(recipe.features)))
    return make_pipeline(features, LogisticRegression(C=recipe.regularization, max_iter=1000)).fit(rows, truth)


def cross_validate(recipe: Recipe, rows: pd.DataFrame, seed: int) -> Iterator[pd.Series]:
    """For each fold what a model of the other folds predicts. Each fold has the same share of each sex and outcome."""
    truth = labels(rows)
    strata = groups(rows)["sex"] + truth.astype(str)
    folds = StratifiedKFold(recipe.folds, shuffle=True, random_state=seed)
    for seen, unseen in folds.split(rows, strata):
        model = fit(recipe, rows.iloc[seen], truth.iloc[seen])
        yield pd.Series(model.predict(rows.iloc[unseen]), index=rows.index[unseen])


def train(job: Job) -> None:
    """Log metrics, reports and the model to the active run."""
    import mlflow  # noqa: PLC0415  takes seconds, and only the container needs it

    from examples.training.audit import audit  # noqa: PLC0415
    from examples.training.card import model_card  # noqa: PLC0415
    from examples.training.explain import explain  # noqa: PLC0415

    rows = read(job.data)
    truth, divisions = labels(rows), groups(rows)
    mlflow.set_tag("rollmodel.dev/total-steps", job.recipe.folds)
    folds: list[pd.Series] = []
    scores: list[float] = []
    for step, fold in enumerate(cross_validate(job.recipe, rows, job.seed), start=1):
        folds.append(fold)
        scores.append(float(f1_score(truth[fold.index], fold)))
        mlflow.log_metric("f1/fold", scores[-1], step=step)
        print(f"fold {step} of {job.recipe.folds}: f1 {scores[-1]:.3f}", flush=True)
    by_group, bias = audit(truth, pd.concat(folds).reindex(rows.index), divisions)
    metrics = {"f1": float(np.mean(scores)), **by_group}
    mlflow.log_metrics(metrics, step=job.recipe.folds)
    model = fit(job.recipe, rows, truth)
    explanations = explain(model, job.recipe.features, rows, divisions)
    mlflow.log_dict(bias, "bias-report.json")
    mlflow.log_dict(explanations, "explanations.json")
    mlflow.log_text(model_card(job, len(rows), metrics, bias, explanations), "model_card.md")
    log_model(model, rows[list(MEASUREMENTS)])


def log_model(model: Pipeline, rows: pd.DataFrame) -> None:
    """The model as an output of the run; it takes all measurements, and uses those it was trained with."""
    import mlflow  # noqa: PLC0415

    mlflow.sklearn.log_model(
        model,
        name="model",
        pyfunc_predict_fn="predict_proba",
        signature=mlflow.models.infer_signature(rows, model.predict_proba(rows)),
        input_example=rows.head(2),
        pip_requirements=[f"{package}=={installed(package)}" for package in PACKAGES],
    )


def main() -> int:
    """Train as the TrainingJob of the environment says."""
    import mlflow  # noqa: PLC0415

    job = Job.from_environment()
    with mlflow.start_run(run_id=job.run_id):
        train(job)
    return 0


if __name__ == "__main__":
    sys.exit(main())
