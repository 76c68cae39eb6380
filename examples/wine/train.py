"""A model of your own, from data to the registry: which of three growers a wine comes from.

The data is real: 178 wines, 13 chemical measurements each (Aeberhard and Forina, 1991), as scikit-learn ships it.

    python examples/wine/train.py --tracking-uri http://127.0.0.1:5000 --alias challenger
    python examples/wine/train.py --tracking-uri http://127.0.0.1:5000 --alias challenger --measurements 13
    python examples/wine/train.py --requests > requests.jsonl
"""

from __future__ import annotations

import argparse
import json
from importlib.metadata import version as installed

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

__all__ = ["MODEL_NAME", "register", "request_bodies", "split"]

MODEL_NAME = "wine"


def split() -> tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]:
    """Measurements to train with and to hold out, then their growers (0, 1, 2). Always the same rows."""
    measurements, grower = load_wine(return_X_y=True, as_frame=True)
    return tuple(train_test_split(measurements, grower, test_size=0.4, stratify=grower, random_state=0))


def register(tracking_uri: str, measurements: int, alias: str | None) -> str:
    """Train on the first measurements and register; the version. ``alias`` is moved to it: that starts a rollout."""
    import mlflow  # noqa: PLC0415  takes seconds; the data is also of use without
    from mlflow.models import infer_signature  # noqa: PLC0415

    seen, held_out, growers, truth = split()
    chosen = make_column_transformer((StandardScaler(), list(seen.columns[:measurements])))
    model = make_pipeline(chosen, LogisticRegression()).fit(seen, growers)
    accuracy = float(model.score(held_out, truth))
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_experiment(MODEL_NAME)
    with mlflow.start_run():
        mlflow.log_params({"measurements": measurements})
        mlflow.log_metrics({"accuracy": accuracy})
        logged = mlflow.sklearn.log_model(
            model,
            name="model",
            registered_model_name=MODEL_NAME,
            # The signature lets the server refuse a wrong request with 400, before the model sees it. The example is
            # what a pod answers before it counts as ready: a model that cannot answer never gets traffic.
            signature=infer_signature(seen, model.predict(seen)),
            input_example=seen.head(2),
            # What the model needs, and nothing else: a pod whose image has other versions refuses to start.
            pip_requirements=[f"{package}=={installed(package)}" for package in ("scikit-learn", "skops", "numpy")],
        )
    number = str(logged.registered_model_version)
    if alias:
        mlflow.MlflowClient().set_registered_model_alias(MODEL_NAME, alias, number)
    print(f"version {number} of {MODEL_NAME}: {measurements} measurements, accuracy {accuracy:.3f}")
    return number


def request_bodies() -> list[str]:
    """A body for ``/invocations`` for each wine that was held out."""
    _, held_out, _, _ = split()
    return [json.dumps({"dataframe_split": one.to_dict(orient="split", index=False)}) for one in _rows(held_out)]


def _rows(table: pd.DataFrame) -> list[pd.DataFrame]:
    return [table.iloc[[place]] for place in range(len(table))]


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a wine model and register it, or print requests for it.")
    parser.add_argument("--requests", action="store_true", help="only print request bodies, one in each line")
    parser.add_argument("--tracking-uri", help="address of the MLflow server")
    parser.add_argument("--measurements", type=int, default=4, help="how many it looks at (default: %(default)s)")
    parser.add_argument("--alias", help="alias to move to the new version")
    given = parser.parse_args()
    if given.requests:
        print(*request_bodies(), sep="\n")
    elif given.tracking_uri:
        register(given.tracking_uri, given.measurements, given.alias)
    else:
        parser.error("say where MLflow is with --tracking-uri, or --requests")


if __name__ == "__main__":
    main()
