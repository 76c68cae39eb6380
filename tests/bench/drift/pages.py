"""The page of tables, in Markdown."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tests.bench.drift.cells import ALIKE
from tests.bench.drift.worlds import CHANGES, WORLDS

__all__ = ["Cells", "render"]

Cells = dict[str, Any]

_HEAD = """<!-- Written by `python -m tests.bench.drift --out docs/concepts/drift-tables.md`; do not edit. -->
# Drift: how often it rings for nothing, and how soon for something

{months} simulated months for each cell: 30 features (24 numbers, 6 with five categories), 500 rows an hour, a profile
of 10,000 rows, looks each hour. All rules see the same counts. *Ours* is a [DriftPolicy](drift.md) with its defaults
and the signals `Feature` and `Quality`; it may raise a false alarm in 5 % of months. Rules that know no missing values
see them as a bin of their own; bins that expect fewer than ten rows are merged, and shares smoothed, which is kind.

Worlds: *quiet*: rows come one by one; *each row 5 times*, as from users who ask again; *seasons*: five features move by
0.3 standard deviations with the hour, or at weekends; *slow noise*: five features wander by 0.15 sd with a memory of
three days. What the training saw has the same seasons and noise.
"""

_QUIET = """
## Nothing has changed
Share of months with an alarm; in brackets how many of a month's 720 hours one is on.
"""

_CHANGED = """
## One feature changes
Hours to the alarm, in the middle of {months} months; "never" is not within 20 days in most of them. *Tail*: 5 % of the
rows move by 3 sd. *New category*: 5 % of the rows have one that the training never saw. *Null flood*: 30 % are missing.
"""

_EQUAL = """
## At the same false-alarm rate
Would others be faster if they were as quiet? Their limit is chosen here with hindsight, from the same months: nobody
has that. *Ours* has nothing to choose: its budget is that of a policy, here with an `effect.psi` of nothing, since
others have no effect that is too small to matter.

**In all of these worlds: {worlds}.** The limit makes them ring in 5 % of months of the loudest one. Hours to the alarm:
"""

_TUNED = """
**In the quiet world alone.** Whoever knows that rows come one by one and that all hours are alike may choose a lower
limit; ours does not know it, and learns it from 30 quiet hours. Hours to the alarm:
"""

_STORM = """
## Trainings that an alarm starts
60 days, 200 rows an hour, one feature moves by 0.5 sd after 30 days; a training takes 6 hours, and its profile
describes the world of then. {months} runs. None is needed before, one after. *Ours* has `retrain.mode: Auto` and its
defaults.
"""

_EVIDENTLY = """
## Evidently's default, which needs rows
Wasserstein's distance of numbers and Jensen-Shannon's of categories, each from 0.1 on; {months} months. {checked}
"""

_OF_STORMS = ("rule", "trainings before", "trainings after", "hours to the first one after")
_CHECKED = "Our copy of the documented rule: `--evidently` compares it with the package, where that is installed."


def render(cells: Cells, months: int, fewer: int) -> str:
    """All tables."""
    everywhere, quiet = cells["equal"]["everywhere"], cells["equal"]["quiet"]
    parts = [
        _HEAD.format(months=months),
        _QUIET,
        *_table(["rule", *WORLDS], _quiet(cells)),
        _CHANGED.format(months=months),
        *_table(["rule", *CHANGES], _changed(cells)),
        _EQUAL.format(worlds=", ".join(ALIKE)),
        *_table(_OF_EQUALS, _equal(everywhere)),
        _TUNED,
        *_table(_OF_EQUALS, _equal(quiet)),
        _STORM.format(months=fewer),
        *_table(_OF_STORMS, _storm(cells["storm"])),
        _EVIDENTLY.format(months=fewer, checked=_CHECKED),
        *_table(["rings for", *WORLDS, *CHANGES], _rows(cells)),
    ]
    made = f"Python {platform.python_version()}, numpy {np.__version__}"
    parts.append(f"\n`python -m tests.bench.drift --months {months}`, {made}: the same numbers anywhere.\n")
    return "\n".join(parts)


_OF_EQUALS = ("rule", "looks in a row", "months that ring", *CHANGES)


def _quiet(cells: Cells) -> Iterator[Sequence[str]]:
    worlds = [cells[f"quiet {world}"] for world in WORLDS]
    for name in worlds[0]:
        yield [name, *(_share(*one[name]) for one in worlds)]


def _changed(cells: Cells) -> Iterator[Sequence[str]]:
    changes = [cells[f"change {change}"] for change in CHANGES]
    for name in changes[0]:
        yield [name, *(_hours(one[name]) for one in changes)]


def _equal(found: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for looks, rules in found.items():
        for name, (rings, hours) in rules.items():
            yield [name, looks, f"{rings:.1%}", *map(_hours, hours)]


def _storm(found: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for name, (before, after, delay) in found.items():
        yield [name, f"{before:.3g}", f"{after:.3g}", _hours(delay)]


def _rows(cells: Cells) -> Iterator[Sequence[str]]:
    for name, (quiet, late) in cells["evidently"].items():
        yield [name, *(_share(*one) for one in quiet), *map(_hours, late)]


def _share(share: float, hours: float) -> str:
    return f"{share:.1%} ({hours:.3g})" if share else "0"


def _hours(value: float) -> str:
    return "never" if math.isinf(value) else f"{value:.3g}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
