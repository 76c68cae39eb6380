"""The data of this example: 442 diabetes patients, and the groups of them that a model must serve alike.

Ten measurements at the beginning of a study, and how far the disease had progressed a year later (Efron, Hastie,
Johnstone and Tibshirani, Least Angle Regression, 2004). scikit-learn ships it. The source codes sex as 1 and 2 and does
not say which is which, so the groups are called that.

    python -m examples.training.cohort DIRECTORY   # writes DIRECTORY/progression.csv
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

__all__ = ["FILE", "MEASUREMENTS", "OUTCOME", "groups", "labels", "read", "write"]

FILE = "progression.csv"
OUTCOME = "progression"
MEASUREMENTS = (
    "age",
    "sex",
    "bmi",
    "blood_pressure",
    "total_cholesterol",
    "ldl",
    "hdl",
    "cholesterol_ratio",
    "log_triglycerides",
    "glucose",
)
AGE_BANDS = {"age-under-40": (0, 40), "age-40-59": (40, 60), "age-60-plus": (60, 200)}


def write(folder: Path) -> Path:
    """Write the data set as CSV, the same bytes each time."""
    from sklearn.datasets import load_diabetes  # noqa: PLC0415  only who writes the file needs it

    measurements, progression = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    rows = measurements.set_axis(MEASUREMENTS, axis="columns").assign(**{OUTCOME: progression})
    folder.mkdir(parents=True, exist_ok=True)
    rows.to_csv(folder / FILE, index=False, lineterminator="\n")
    return folder / FILE


def read(folder: Path) -> pd.DataFrame:
    """The rows of the input folder, all columns as floats where they can be."""
    rows = pd.read_csv(folder / FILE)
    return rows.astype(dict.fromkeys(rows.select_dtypes("integer").columns, float))


def labels(rows: pd.DataFrame) -> pd.Series:
    """1 where the disease progressed more than in half of the patients, else 0."""
    return (rows[OUTCOME] > rows[OUTCOME].median()).astype(int)


def groups(rows: pd.DataFrame) -> pd.DataFrame:
    """The group of each row, by sex and by age; the values are the names of the slices that gates ask for."""
    edges = sorted({edge for band in AGE_BANDS.values() for edge in band})
    age = pd.cut(rows["age"], edges, right=False, labels=list(AGE_BANDS)).astype(str)
    return pd.DataFrame({"sex": "sex-" + rows["sex"].astype(int).astype(str), "age": age})


if __name__ == "__main__":
    print(write(Path(sys.argv[1])))
