"""Months of rows: Evidently's default needs them. Ours sees the same rows, counted into the bins of the profile."""

from __future__ import annotations

from typing import Any

import numpy as np
from rollmodel.evidence.core.arrays import Array
from rollmodel.profile.bins import LEVELS

from tests.bench.drift.months import HOURS, OURS, ROWS, first, in_a_row, rises
from tests.bench.drift.others import LIMIT, Rows, distances, reference_of, rows_of
from tests.bench.drift.rules import RULES
from tests.bench.drift.worlds import (
    CATEGORIES,
    CHANGES,
    DAY,
    FEATURES,
    NOTHING,
    NUMERIC,
    WEEK,
    WORLDS,
    Change,
    Counts,
    Month,
    Sample,
)

__all__ = ["DEFAULTS", "changed_rows", "counted", "quiet_rows"]

#: Quiet hours that ours learns from, hours before a change, and hours after it.
_QUIET, _BEFORE, _AFTER = 30, WEEK, 5 * DAY
#: Evidently's default rings for a column, or for the data set if half of its columns have drifted.
DEFAULTS = {"Evidently, any column": 1, "Evidently, half of the columns": FEATURES // 2}


def quiet_rows(world: str, seed: int) -> dict[str, Any]:
    """As :func:`tests.bench.drift.months.quiet`, of Evidently's default and of ours."""
    data, far = _month(world, seed, None, _QUIET + WEEK + HOURS)
    on = {name: ((far >= LIMIT).sum(axis=1) >= least)[-HOURS:] for name, least in DEFAULTS.items()}
    on["ours"] = RULES[OURS](data)[-HOURS:]
    alarms = {name: (int((one & ~np.append(False, one[:-1])).sum()), int(one.sum())) for name, one in on.items()}
    highest = {f"{looks} distance": float(in_a_row(far, looks)[-HOURS:].max()) for looks in (1, 3)}
    return {"rules": alarms, "highest": highest}


def changed_rows(change: str, seed: int) -> dict[str, Any]:
    """As :func:`tests.bench.drift.months.changed`, of Evidently's default and of ours, in the quiet world."""
    before = _QUIET + _BEFORE
    data, far = _month("quiet", seed, CHANGES[change], before + _AFTER)
    late = {name: first(((far >= LIMIT).sum(axis=1) >= least)[before:]) for name, least in DEFAULTS.items()}
    late["ours"] = first(RULES[OURS](data)[_BEFORE:])
    return {
        "rules": late,
        "rises": {f"{looks} distance": rises(in_a_row(far, looks)[before:]) for looks in (1, 3)},
    }


def _month(world: str, seed: int, change: Change | None, hours: int) -> tuple[Month, Array]:
    """The month as ours sees it, and the distance of each column in each hour [hours, F]."""
    rng, of = np.random.default_rng([seed, 3]), WORLDS[world]
    reference, week = reference_of(rng, of)
    edges = np.quantile(reference.numbers[0], LEVELS, axis=1).T
    shift = None if of.shift is None else of.shift(rng, hours)
    begins = hours if change is None else _QUIET + _BEFORE
    live, far = list[Counts](), list[Array]()
    for begin in range(0, hours, DAY):  # rows of a month would not fit into the memory
        for start, end in ((begin, min(begin + DAY, begins)), (max(begin, begins), min(begin + DAY, hours))):
            if start < end:
                part = None if shift is None else shift[start:end]
                here = change if change is not None and start >= begins else NOTHING
                rows = rows_of(rng, of, hours=end - start, rows=ROWS, change=here, shift=part)
                live.append(counted(rows, edges))
                far.append(distances(reference, rows))
    all_live = Counts(*(np.concatenate([getattr(one, name) for one in live]) for name in ("bins", "missing", "unseen")))
    known = counted(reference, edges)
    inside = np.stack(
        [np.searchsorted(own, of_one, side="left") for own, of_one in zip(edges, reference.numbers[0], strict=True)]
    )
    sample = Sample(inside, week)
    trained = Counts(known.bins[0], known.missing[0], known.unseen[0])
    return Month(trained, all_live[:_QUIET], all_live[_QUIET:], edges, sample), np.concatenate(far)


def counted(rows: Rows, edges: Array) -> Counts:
    """These rows in bins, by hour."""
    hours, bins = len(rows.numbers), len(LEVELS) + 1
    found, missing, unseen = np.zeros((hours, FEATURES, bins)), np.zeros((hours, FEATURES)), np.zeros((hours, FEATURES))
    at = np.arange(hours)[:, None] * (bins + 1)
    for column, own in enumerate(edges):
        values = rows.numbers[:, column]
        inside = np.where(np.isnan(values), bins, np.searchsorted(own, values, side="left"))
        one = np.bincount((at + inside).ravel(), minlength=hours * (bins + 1)).reshape(hours, bins + 1)
        found[:, column], missing[:, column] = one[:, :bins], one[:, bins]
    for column in range(FEATURES - NUMERIC):
        one = np.bincount((at + rows.codes[:, column]).ravel(), minlength=hours * (bins + 1))
        found[:, NUMERIC + column] = one.reshape(hours, bins + 1)[:, :bins]
        unseen[:, NUMERIC + column] = found[:, NUMERIC + column, len(CATEGORIES)]
    return Counts(found, missing, unseen)
