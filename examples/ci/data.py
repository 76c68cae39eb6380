"""``python data.py FILE.csv``: is the data what training expects? The same schema can run in `spec.dataValidation`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pandas as pd
import pandera.pandas as pa

#: Requests of past rollouts, as `rollmodel backtest` reads them.
SCHEMA = pa.DataFrameSchema(
    {
        "rollout": pa.Column(str),
        "time": pa.Column(float, coerce=True),
        "arm": pa.Column(str, pa.Check.isin(["stable", "candidate"])),
        "pod": pa.Column(str),
        "total": pa.Column(int, pa.Check.ge(0)),
        "bad": pa.Column(int, pa.Check.ge(0)),
    },
    checks=pa.Check(lambda rows: rows["bad"] <= rows["total"], error="more requests failed than there were"),
    strict=True,
)
LEAST_ROWS = 100


def main(arguments: Sequence[str]) -> int:
    """1 if it is not."""
    (path,) = arguments
    rows = pd.read_csv(path)
    if len(rows) < LEAST_ROWS:
        print(f"{path}: {len(rows)} rows, at least {LEAST_ROWS} are needed")
        return 1
    try:
        SCHEMA.validate(rows, lazy=True)
    except pa.errors.SchemaErrors as error:
        print(
            error.failure_cases[["column", "check", "failure_case"]].drop_duplicates().head(20).to_string(index=False)
        )
        return 1
    print(f"{path}: {len(rows)} rows, nothing wrong")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
