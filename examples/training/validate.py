"""Look at the data before anything is trained on it: the container ``validate-data``.

Its exit code decides: 0, the data is as it must be; 1, it is not, the run ends and is not tried again; 75, nobody can
tell now, it is tried again. What was checked and what failed is logged to the run, as ``data-validation.json``.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import pandas as pd
import pandera.pandas as pa

from examples.training.cohort import OUTCOME, read
from examples.training.job import Job

__all__ = ["REPORT", "SCHEMA", "main", "report"]

REPORT = "data-validation.json"
LEAST_ROWS = 200
LEAST_SHARE_OF_A_SEX = 0.2
_IN_WORDS = {"column_in_dataframe": "is missing", "column_in_schema": "is not expected", "not_nullable": "is empty"}


def _measured(low: float, high: float) -> pa.Column:
    return pa.Column(float, pa.Check.in_range(low, high))


SCHEMA = pa.DataFrameSchema(
    {
        "age": _measured(18, 110),
        "sex": pa.Column(float, pa.Check.isin([1, 2])),
        "bmi": _measured(10, 80),
        "blood_pressure": _measured(40, 200),
        "total_cholesterol": _measured(50, 500),
        "ldl": _measured(10, 400),
        "hdl": _measured(5, 200),
        "cholesterol_ratio": _measured(1, 15),
        "log_triglycerides": _measured(2, 8),
        "glucose": _measured(30, 500),
        OUTCOME: _measured(0, 1000),
    },
    checks=[
        pa.Check(lambda rows: len(rows) >= LEAST_ROWS, name="enough_rows", error=f"fewer than {LEAST_ROWS} rows"),
        pa.Check(lambda rows: not rows.duplicated().any(), name="no_duplicates", error="rows that occur twice"),
        pa.Check(
            lambda rows: all((rows["sex"] == sex).mean() >= LEAST_SHARE_OF_A_SEX for sex in (1, 2)),
            name="both_sexes",
            error=f"a sex has less than {LEAST_SHARE_OF_A_SEX:.0%} of the rows",
        ),
    ],
    strict=True,
    name="cohort",
)
"""No column may be missing, unknown, empty in places, or outside what can be measured in a living adult."""


def report(rows: pd.DataFrame, schema: pa.DataFrameSchema = SCHEMA) -> dict[str, Any]:
    """What was checked and what failed, all of it and not only the first; values of patients are not repeated."""
    problems: list[str] = []
    try:
        schema.validate(rows, lazy=True)
    except pa.errors.SchemaErrors as errors:
        problems = _problems(errors.failure_cases)
    return {
        "valid": not problems,
        "rows": len(rows),
        "columns": list(rows.columns),
        "checks": sorted(_checks(schema)),
        "problems": problems,
    }


def _checks(schema: pa.DataFrameSchema) -> list[str]:
    columns = [f"{name}: {check.error or check.name}" for name, one in schema.columns.items() for check in one.checks]
    return columns + [f"all rows: {check.name}" for check in schema.checks]


def _problems(cases: pd.DataFrame) -> list[str]:
    """One line for each column and check that failed.

    The case of a column that is missing or unknown is its name; any other is a value of a patient, and stays out.
    """
    checks = cases["check"].astype(str)
    about_columns = checks.str.startswith("column_in_")
    where = cases["failure_case"].where(about_columns, cases["column"]).astype(str)
    counts = (where + ": " + checks.replace(_IN_WORDS)).value_counts(sort=False)
    return [f"{problem} ({count} times)" if count > 1 else str(problem) for problem, count in counts.items()]


def main() -> int:
    """Check the input of the run: 0 if it is valid, else 1 with the reasons on standard error.

    Valid data whose report MLflow does not take ends with 75: without the report its gate would fail.
    """
    job = Job.from_environment()
    found = report(read(job.data))
    for problem in found["problems"]:
        print(problem, file=sys.stderr)
    from mlflow import MlflowClient, MlflowException  # noqa: PLC0415  takes seconds; the checks are of use without

    try:
        MlflowClient().log_dict(job.run_id, found, REPORT)
    except (MlflowException, OSError) as error:  # requests' errors are OSErrors
        print(f"the report was not logged: {error}", file=sys.stderr)
        return os.EX_TEMPFAIL if found["valid"] else 1
    return 0 if found["valid"] else 1


if __name__ == "__main__":
    sys.exit(main())
