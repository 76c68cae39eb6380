"""Runs months and keeps what came of them, one file for each cell, so that a long run may be interrupted."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rollmodel.evidence.core.arrays import Array

from tests.bench.drift.others import drifted, rows_of
from tests.bench.drift.rules import RULES, STATISTICS, Ours, Rule
from tests.bench.drift.storm import POLICIES, storm
from tests.bench.drift.worlds import CHANGES, DAY, FEATURES, NOTHING, WEEK, WORLDS, Month, month

__all__ = [
    "AFTER",
    "ALIKE",
    "BEFORE",
    "HOURS",
    "ROWS",
    "at_equal_rates",
    "delays",
    "evidently_months",
    "kept",
    "quiet_months",
    "storms",
]

ROWS, HOURS = 500, 720
#: Hours before a change, which the longest window and the seasons need, and after it.
BEFORE, AFTER = 2 * WEEK, 480
#: A false-alarm rate that others are given by choosing their limit with hindsight: 5 % of quiet months.
EQUAL = 0.05
LOOKS_IN_A_ROW = (1, 3)
ALIKE = ("quiet", "each row 5 times", "season of the day")

_Key = tuple[int, str]
_KEYS: tuple[_Key, ...] = tuple((looks, name) for looks in LOOKS_IN_A_ROW for name in STATISTICS)


def kept(folder: Path, name: str, make: Callable[[], Any]) -> Any:
    """What was computed before under this name, or now."""
    path = folder / f"{name.replace(' ', '-').replace('%', 'pc')}.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        content = json.dumps(make())
        path.write_text(content, encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))


def quiet_months(world: str, months: int, rules: Mapping[str, Rule] = RULES) -> Mapping[str, Any]:
    """Of each rule: (share of months with an alarm, hours in alarm of a month)."""
    found: dict[str, list[float]] = {name: [] for name in rules}
    for seed in range(months):
        data = _quiet(world, seed)
        for name, rule in rules.items():
            found[name].append(float(rule(data)[-HOURS:].sum()))
    return {name: (float(np.mean(np.array(one) > 0)), float(np.mean(one))) for name, one in found.items()}


def _quiet(world: str, seed: int) -> Month:
    """Two weeks come before the month, since rules with a season learn from them."""
    return month(np.random.default_rng([seed, 0]), WORLDS[world], rows=ROWS, hours=BEFORE + HOURS)


def _changed(change: str, seed: int) -> Month:
    rng = np.random.default_rng([seed, 1])
    return month(rng, WORLDS["quiet"], rows=ROWS, hours=BEFORE + AFTER, change=CHANGES[change], before=BEFORE)


def delays(change: str, months: int, rules: Mapping[str, Rule] = RULES) -> Mapping[str, float]:
    """Of each rule: the median of the hours to the first alarm after the change."""
    found: dict[str, list[float]] = {name: [] for name in rules}
    for seed in range(months):
        data = _changed(change, seed)
        for name, rule in rules.items():
            found[name].append(_first(rule(data)[BEFORE:]))
    return {name: float(np.median(one)) for name, one in found.items()}


def at_equal_rates(months: int) -> Mapping[str, Any]:
    """By "everywhere" and "quiet", then by looks in a row, of each rule: (share of months that ring, median hours to
    the alarm of each change).

    What others would do with the limit that makes them ring in 5 % of months, in each of these worlds or in the quiet
    one. It is chosen with hindsight, from the same months: nobody has that. Ours has no limit to choose; here it has no
    effect that is too small to matter, as others have none.
    """
    ours = {looks: Ours(looks_in_a_row=looks, effect=0.0) for looks in LOOKS_IN_A_ROW}
    highest = {world: _highest(world, months, ours) for world in ALIKE}
    found: dict[str, Any] = {}
    for where, of in {"everywhere": ALIKE, "quiet": ALIKE[:1]}.items():
        limit = {key: max(float(np.quantile(highest[world][key], 1.0 - EQUAL)) for world in of) for key in _KEYS}
        late: dict[_Key, list[float]] = {}
        for change in CHANGES:
            for key, hours in _hours_of_change(change, months, ours, limit).items():
                late.setdefault(key, []).append(float(np.median(hours)))
        found[where] = {}
        for looks in ours:
            rings = max(float(np.mean(np.array(highest[world][looks, "ours"]) > 0)) for world in of)
            rows = {"ours": (rings, late[looks, "ours"])}
            for name in STATISTICS:
                rows[f"{name} > {limit[looks, name]:.3g}"] = EQUAL, late[looks, name]
            found[where][str(looks)] = rows
    return found


def _highest(world: str, months: int, ours: Mapping[int, Rule]) -> Mapping[_Key, list[float]]:
    """Of each month the largest value; of ours whether it rang."""
    found: dict[_Key, list[float]] = {}
    for seed in range(months):
        data = _quiet(world, seed)
        for looks, rule in ours.items():
            for name, statistic in STATISTICS.items():
                values = _in_a_row(statistic(data), looks)[-HOURS:]
                found.setdefault((looks, name), []).append(float(values.max()))
            found.setdefault((looks, "ours"), []).append(float(rule(data)[-HOURS:].any()))
    return found


def _hours_of_change(
    change: str, months: int, ours: Mapping[int, Rule], limits: Mapping[_Key, float]
) -> Mapping[_Key, list[float]]:
    found: dict[_Key, list[float]] = {}
    for seed in range(months):
        data = _changed(change, seed)
        for looks, rule in ours.items():
            for name, statistic in STATISTICS.items():
                ringing = _in_a_row(statistic(data), looks) > limits[looks, name]
                found.setdefault((looks, name), []).append(_first(ringing[BEFORE:]))
            found.setdefault((looks, "ours"), []).append(_first(rule(data)[BEFORE:]))
    return found


def storms(runs: int) -> Mapping[str, Any]:
    """Of each policy, on average over so many times 60 days: trainings before and after the change; median delay."""
    found = {}
    for name, policy in POLICIES.items():
        seen = [storm(policy, seed) for seed in range(runs)]
        before, after = (float(np.mean([getattr(one, when) for one in seen])) for when in ("before", "after"))
        found[name] = before, after, float(np.median([one.delay for one in seen]))
    return found


def evidently_months(months: int) -> Mapping[str, Any]:
    """Of Evidently's default, for any column and for half of them: (share of months that ring, hours that do, by
    world; median hours to the first alarm, by change).
    """
    rules = {"any column": 1, "half of the columns": FEATURES // 2}
    quiet: dict[str, list[tuple[float, float]]] = {name: [] for name in rules}
    for world in WORLDS:
        months_of = [_evidently(world, seed, None, HOURS).sum(axis=1) for seed in range(months)]
        for name, least in rules.items():
            hours = np.array([(columns >= least).sum() for columns in months_of])
            quiet[name].append((float(np.mean(hours > 0)), float(hours.mean())))
    late: dict[str, list[float]] = {name: [] for name in rules}
    for change in CHANGES:
        after = [_evidently("quiet", seed, change, DAY * 5).sum(axis=1) for seed in range(months)]
        for name, least in rules.items():
            late[name].append(float(np.median([_first(columns >= least) for columns in after])))
    return {name: (quiet[name], late[name]) for name in rules}


def _evidently(world: str, seed: int, change: str | None, hours: int) -> np.ndarray:
    rng, of = np.random.default_rng([seed, 3]), WORLDS[world]
    reference = rows_of(rng, of, hours=1, rows=10_000, change=NOTHING)
    shift = None if of.shift is None else of.shift(rng, hours)
    found = []
    for begin in range(0, hours, DAY):  # rows of a month would not fit into the memory
        part = None if shift is None else shift[begin:]
        live = rows_of(rng, of, hours=DAY, rows=ROWS, change=CHANGES[change] if change else NOTHING, shift=part)
        found.append(drifted(reference, live))
    return np.concatenate(found)


def _in_a_row(statistic: Array, looks: int) -> Array:
    """Of each hour the largest value that some feature [hours, F] has had in so many looks in a row."""
    least = statistic.copy()
    for back in range(1, looks):
        least[back:] = np.minimum(least[back:], statistic[:-back])
        least[:back] = 0.0
    return np.asarray(least.max(axis=1))


def _first(alarms: Sequence[bool] | np.ndarray) -> float:
    on = np.flatnonzero(alarms)
    return float(on[0]) + 1.0 if len(on) else math.inf
