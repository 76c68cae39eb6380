"""Train a model that says whether a tumour is benign, from the newest rows with an outcome: for `make demo LOOP=1`.

The profile lies beside the model, and the model that serves is judged on the same rows: two models are comparable only
on the same data.

    python -m examples.training.clinic
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rollmodel.profile import build_profile
from sklearn.impute import KNNImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

__all__ = ["FILE", "MEASUREMENTS", "OUTCOME", "main"]

FILE = "visits.csv"
MEASUREMENTS = ("mean_texture", "mean_smoothness", "mean_symmetry")
OUTCOME = "benign"
FOLDS = 5


def pipeline() -> Pipeline:
    """Untrained. A missing value is made up from similar patients, as in many models: no error tells of it."""
    return make_pipeline(KNNImputer(), StandardScaler(), LogisticRegression(max_iter=1000))


def train(rows: pd.DataFrame) -> None:
    """Log metrics and the model with its profile to the active run."""
    import mlflow  # noqa: PLC0415  takes seconds, and only the container needs it

    known = rows.drop_duplicates()  # a patient who comes twice must not be in two folds
    features, truth = known[list(MEASUREMENTS)], known[OUTCOME]
    unseen = cross_val_predict(pipeline(), features, truth, cv=FOLDS, method="predict_proba")[:, 1]
    accuracy = float(np.mean((unseen > 0.5) == truth))
    champion = _accuracy_of_champion(features, truth)
    mlflow.log_metrics({"accuracy": accuracy, "gain": accuracy - champion, "rows": float(len(known))})
    model = pipeline().fit(features, truth)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        mlflow.sklearn.save_model(
            model,
            path,
            pyfunc_predict_fn="predict_proba",
            signature=mlflow.models.infer_signature(features, model.predict_proba(features)),
            pip_requirements=["scikit-learn", "skops", "numpy"],
        )
        profile = build_profile({name: features[name] for name in MEASUREMENTS}, score=unseen, target=truth)
        (path / "profile.json").write_text(profile.to_json(), encoding="utf-8")
        mlflow.log_artifacts(str(path), "model")


def _accuracy_of_champion(features: pd.DataFrame, truth: pd.Series) -> float:
    """On these rows; 0 where nothing serves yet."""
    import mlflow  # noqa: PLC0415

    model: Any
    try:
        model = mlflow.sklearn.load_model(f"models:/{os.environ['CHAMPION']}")
    except mlflow.exceptions.MlflowException:
        return 0.0
    return float(np.mean((model.predict_proba(features)[:, 1] > 0.5) == truth))


def main() -> int:
    """Train as the TrainingJob of the environment says."""
    import mlflow  # noqa: PLC0415

    parameters = json.loads(os.environ.get("ROLLMODEL_PARAMETERS", "{}"))
    os.environ.setdefault("CHAMPION", f"{parameters['model']}@champion")
    rows = pd.read_csv(Path(os.environ["ROLLMODEL_INPUT_VISITS"]) / FILE)
    with mlflow.start_run(run_id=os.environ["MLFLOW_RUN_ID"]):
        train(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
