"""Train three versions of a tumour screening model and register them in MLflow.

The data is real: the Wisconsin diagnostic breast cancer set that scikit-learn ships (569 biopsies, 30 measurements of
the cell nuclei in an image; Street, Wolberg and Mangasarian, 1993). The question is whether a tumour is benign.

    v1  logistic regression on four measurements of size and texture
    v2  logistic regression on all 30 measurements: clearly better
    v3  logarithms of all measurements, 100 bagged regressions: the best on paper

On paper only. Some cells have no concave contour at all, and the logarithm of 0 is not finite. Training and evaluation
of v3 leave those rows out, which costs nothing there; in production nobody leaves them out, and the model raises.
It is also several times slower. No offline metric shows either: this is what a canary is for.

    python examples/models/train.py --tracking-uri http://127.0.0.1:5000 --version-set v1 v2 --alias challenger
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version as installed

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import BaggingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

__all__ = ["MODEL_NAME", "RECIPES", "Recipe", "register", "split"]

MODEL_NAME = "tumour-screening"
SIZE_AND_TEXTURE = ["mean radius", "mean texture", "mean perimeter", "mean area"]


def split() -> tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]:
    """Measurements to train with and to hold out, then their labels (1: benign). Always the same rows."""
    measurements, benign = load_breast_cancer(return_X_y=True, as_frame=True)
    return tuple(train_test_split(measurements, benign, test_size=0.4, stratify=benign, random_state=0))


def few_measurements() -> Pipeline:
    chosen = make_column_transformer(("passthrough", SIZE_AND_TEXTURE))
    return make_pipeline(chosen, StandardScaler(), LogisticRegression(max_iter=1000))


def all_measurements() -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def bagged_logarithms() -> Pipeline:
    regressions = BaggingClassifier(LogisticRegression(max_iter=1000), n_estimators=100, random_state=0)
    return make_pipeline(FunctionTransformer(np.log), StandardScaler(), regressions)


def all_rows(rows: pd.DataFrame) -> pd.DataFrame:
    return rows


def rows_with_logarithm(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[(rows > 0).all(axis="columns")]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make one version: a description, an untrained model, and the rows that it is trained and judged with."""

    description: str
    build: Callable[[], Pipeline]
    usable: Callable[[pd.DataFrame], pd.DataFrame] = all_rows


RECIPES = {
    "v1": Recipe("Logistic regression on size and texture", few_measurements),
    "v2": Recipe("Logistic regression on all 30 measurements", all_measurements),
    "v3": Recipe("100 bagged regressions on logarithms", bagged_logarithms, rows_with_logarithm),
}


def train(recipe: Recipe) -> tuple[Pipeline, pd.DataFrame, dict[str, float]]:
    """The trained model, the rows it has seen, and how well it does on rows it has not."""
    training, held_out, labels, truth = split()
    seen, unseen = recipe.usable(training), recipe.usable(held_out)
    model = recipe.build().fit(seen, labels[seen.index])
    benign = model.predict_proba(unseen)[:, 1]
    expected = truth[unseen.index]
    metrics = {"accuracy": accuracy_score(expected, benign > 0.5), "auc": roc_auc_score(expected, benign)}
    return model, seen, metrics


def register(tracking_uri: str, name: str, wanted: Sequence[str], alias: str | None = None) -> dict[str, str]:
    """Train and register recipes; {recipe: version in the registry}. ``alias`` is moved to the last of them."""
    import mlflow  # noqa: PLC0415  takes seconds; the data is also of use without
    from mlflow.models import infer_signature  # noqa: PLC0415

    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_experiment(name)
    versions = {}
    for key in wanted:
        model, seen, metrics = train(RECIPES[key])
        with mlflow.start_run(run_name=key, description=RECIPES[key].description):
            mlflow.log_metrics(metrics)
            logged = mlflow.sklearn.log_model(
                model,
                name="model",
                registered_model_name=name,
                pyfunc_predict_fn="predict_proba",
                signature=infer_signature(seen, model.predict_proba(seen)),
                input_example=seen.head(2),
                pip_requirements=[f"{package}=={installed(package)}" for package in ("scikit-learn", "skops", "numpy")],
            )
        versions[key] = str(logged.registered_model_version)
        print(f"{key}: version {versions[key]} of {name}, accuracy {metrics['accuracy']:.3f}, auc {metrics['auc']:.4f}")
    if alias:
        mlflow.MlflowClient().set_registered_model_alias(name, alias, versions[wanted[-1]])
        print(f"{alias} -> version {versions[wanted[-1]]}")
    return versions


def main() -> None:
    parser = argparse.ArgumentParser(description="Train versions of a tumour screening model and register them.")
    parser.add_argument("--tracking-uri", required=True, help="address of the MLflow server")
    parser.add_argument("--name", default=MODEL_NAME, help="registered model")
    parser.add_argument("--version-set", nargs="+", choices=sorted(RECIPES), default=sorted(RECIPES))
    parser.add_argument("--alias", help="alias to move to the last of the versions")
    arguments = parser.parse_args()
    register(arguments.tracking_uri, arguments.name, arguments.version_set, arguments.alias)


if __name__ == "__main__":
    main()
