"""Evidently itself, hour by hour, beside our copy of its rule.

Which test a column gets, and its limit, are the package's own choice (``get_stattest`` without a name); whether its
reports choose the same is compared in the first hour.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rollmodel.evidence.core.arrays import Array

from tests.bench.drift.months import ROWS
from tests.bench.drift.others import Rows, drifted, reference_of, rows_of
from tests.bench.drift.worlds import CHANGES, DAY, FEATURES, NOTHING, NUMERIC, WORLDS

__all__ = ["check"]


def check(hours: int) -> Iterator[str]:
    """A line for each world, and for each change in the quiet one: what rings in so many hours, and who agrees."""
    import evidently  # type: ignore[import-not-found]

    yield f"Evidently {evidently.__version__}, {hours} hours of each, {FEATURES} columns"
    yield "| world or change | columns | same answer | hours: any column | hours: half of them | reports say the same |"
    yield "|---|---|---|---|---|---|"
    for name in (*WORLDS, *CHANGES):
        reference, live = _hours(name, hours)
        theirs = np.concatenate([_of_package(reference, one) for one in live])
        ours = np.concatenate([drifted(reference, one) for one in live])
        same, columns = int((theirs == ours).sum()), theirs.sum(axis=1)
        report = (_of_report(reference, live[0]) == theirs[0]).all()
        many = (columns >= FEATURES // 2).sum()
        yield f"| {name} | {theirs.size} | {same} | {(columns > 0).sum()} | {many} | {'yes' if report else 'no'} |"


def _hours(name: str, hours: int) -> tuple[Rows, list[Rows]]:
    rng, world = np.random.default_rng([len(name), 4]), WORLDS.get(name, WORLDS["quiet"])
    reference, _ = reference_of(rng, world)
    shift: Array | None = None if world.shift is None else world.shift(rng, hours)
    live = []
    for begin in range(0, hours, DAY):
        some = min(DAY, hours - begin)
        part = None if shift is None else shift[begin : begin + some]
        live.append(rows_of(rng, world, hours=some, rows=ROWS, change=CHANGES.get(name, NOTHING), shift=part))
    return reference, live


def _of_package(reference: Rows, live: Rows) -> NDArray[np.bool_]:
    """Whether each column has drifted [hours, F], by the test that the package chooses."""
    import pandas as pd
    from evidently.legacy.calculations.stattests import get_stattest  # type: ignore[import-not-found]
    from evidently.legacy.core import ColumnType  # type: ignore[import-not-found]

    found = np.zeros((len(live.numbers), FEATURES), dtype=bool)
    for column in range(FEATURES):
        kind = "num" if column < NUMERIC else "cat"
        before = pd.Series(_values(reference, 0, column)).dropna()
        for hour in range(len(found)):
            now = pd.Series(_values(live, hour, column)).dropna()
            test = get_stattest(before, now, kind, None)
            found[hour, column] = test(before, now, ColumnType(kind), None).drifted
    return found


def _of_report(reference: Rows, live: Rows) -> NDArray[np.bool_]:
    """The same of the first hour [F], by a report with the preset of the documentation."""
    import pandas as pd
    from evidently import Report
    from evidently.presets import DataDriftPreset  # type: ignore[import-not-found]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tables = (pd.DataFrame({f"c{i}": _values(one, 0, i) for i in range(FEATURES)}) for one in (live, reference))
        found: dict[str, Any] = Report([DataDriftPreset()]).run(*tables).dict()
    said = {
        one["config"]["column"]: one["value"] >= one["config"]["threshold"]
        for one in found["metrics"]
        if "column" in one["config"]
    }
    return np.array([bool(said[f"c{column}"]) for column in range(FEATURES)])


def _values(rows: Rows, hour: int, column: int) -> Any:
    if column < NUMERIC:
        return rows.numbers[hour, column]
    return [f"v{code}" for code in rows.codes[hour, column - NUMERIC]]
