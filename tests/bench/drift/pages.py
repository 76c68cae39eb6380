"""The page of tables, in Markdown."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tests.bench.drift import equal, rates
from tests.bench.drift.evidently import DEFAULTS
from tests.bench.drift.storm import POLICIES
from tests.bench.drift.worlds import CHANGES, WORLDS

__all__ = ["Cells", "render", "table"]

Cells = Mapping[str, list[Any]]

_HEAD = """<!-- Written by `python -m tests.bench.drift --out docs/concepts/drift-tables.md`; do not edit. -->
# Drift: how often it rings for nothing, and how soon for something

Simulated months: 30 features (24 numbers, 6 with five categories), 500 rows an hour, a profile of 10,000 rows, looks
each hour. All rules see the same months. *Ours* is a [DriftPolicy](drift.md) with its defaults and the signals
`Feature` and `Quality`; it may raise a false alarm in 5 % of months. Rules that know no missing values see them as a
bin of their own; bins that expect fewer than ten rows are merged, and shares smoothed, which is kind.

Worlds: *quiet*: rows come one by one; *each row 5 times*, as from users who ask again; *seasons*: five features move by
0.3 standard deviations with the hour, or at weekends; *slow noise*: five features wander by 0.15 sd with a memory of
three days. What the training saw has the same seasons and noise. Brackets hold intervals of 95 %: Wilson's of a share,
that of a Poisson distribution of a number of alarms (which come in groups where a season repeats them, so there it is
too narrow), and that of order statistics of a median.
"""

_QUIET = """
## Nothing has changed
**Alarms that begin in a month**, on average over {months} months of each world, and {fewer} of slow noise.
"""

_MONTHS = """
**Months with an alarm**, and in brackets behind them on average how many of a month's 720 hours one is on.
"""

_CHANGED = """
## One feature changes
Hours to the alarm, in the middle of at least {months} months of the quiet world; "never": not within 20 days in most.
*Tail*: 5 % of the rows move by 3 sd. *New category*: 5 % of the rows have one that the training never saw. *Null
flood*: 30 % are missing. A rule that always rings is fast.
"""

_STORM = """
## Trainings that an alarm starts
60 days, 200 rows an hour, one feature moves by 0.5 sd after 30 days; a training takes 6 hours, and its profile
describes the world of then. {months} runs. None is needed before, one after. *Ours* has `retrain.mode: Auto` and its
defaults.
"""

_EVIDENTLY = """
## Evidently's default, which needs rows
Wasserstein's distance of numbers and Jensen-Shannon's of categories, each from 0.1 on, of each hour's rows; {months}
months. *Ours* sees the same rows in the bins of the same training. `--evidently` compares our copy of the rule with the
package, hour by hour, where that is installed: [drift](drift.md#numbers) says what came of it.
"""


def render(cells: Cells) -> str:
    """All tables of what was computed."""
    months, fewer = len(cells["quiet/quiet"]), len(cells["quiet/slow noise"])
    after = min(len(cells[f"change/quiet/{change}"]) for change in CHANGES)
    parts = [
        _HEAD,
        _QUIET.format(months=months, fewer=fewer),
        *table(["rule", *WORLDS], _quiet(cells, _alarms)),
        _MONTHS,
        *table(["rule", *WORLDS], _quiet(cells, _ringing)),
        _CHANGED.format(months=after),
        *table(["rule", *CHANGES], _changed(cells)),
        *equal.section(cells),
        _EVIDENTLY.format(months=min(len(cells[f"rows/quiet/{world}"]) for world in WORLDS)),
        *table(["months with an alarm (hours)", *WORLDS], _rows_quiet(cells)),
        "",
        *table(["hours to the alarm", *CHANGES], _rows_changed(cells)),
        *equal.of_rows(cells),
        _STORM.format(months=len(cells["storm"])),
        *table(["rule", "trainings before", "trainings after", "hours to the first one after"], _storm(cells["storm"])),
    ]
    made = f"Python {platform.python_version()}, numpy {np.__version__}"
    parts.append(f"\n`python -m tests.bench.drift --months {months}`, {made}: the same numbers anywhere.\n")
    return "\n".join(parts)


def _quiet(cells: Cells, shown: Any) -> Iterator[Sequence[str]]:
    worlds = [cells[f"quiet/{world}"] for world in WORLDS]
    for name in (one for one in worlds[0][0]["rules"] if "no least effect" not in one):
        yield [name, *(shown([month["rules"][name] for month in months]) for months in worlds)]


def _alarms(months: Sequence[tuple[int, int]]) -> str:
    count = sum(alarms for alarms, _ in months)
    low, high = rates.poisson(count, len(months))
    return f"{count / len(months):.3g} [{low:.2g}, {high:.2g}]"


def _ringing(months: Sequence[tuple[int, int]]) -> str:
    hours = float(np.mean([one for _, one in months]))
    ringing = rates.share(sum(one > 0 for _, one in months), len(months))
    return f"{ringing} ({hours:.3g})" if hours else ringing


def _changed(cells: Cells) -> Iterator[Sequence[str]]:
    changes = [cells[f"change/quiet/{change}"] for change in CHANGES]
    for name in (one for one in changes[0][0]["rules"] if "no least effect" not in one):
        yield [name, *(hours([month["rules"][name] for month in months]) for months in changes)]


def _rows_quiet(cells: Cells) -> Iterator[Sequence[str]]:
    for name in (*DEFAULTS, "ours"):
        months = (cells[f"rows/quiet/{world}"] for world in WORLDS)
        yield [name, *(_ringing([month["rules"][name] for month in one]) for one in months)]


def _rows_changed(cells: Cells) -> Iterator[Sequence[str]]:
    for name in (*DEFAULTS, "ours"):
        months = (cells[f"rows/change/{change}"] for change in CHANGES)
        yield [name, *(hours([month["rules"][name] for month in one]) for one in months)]


def _storm(runs: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    for name in POLICIES:
        found = [run[name] for run in runs]
        counts = (sum(one[when] for one in found) for when in ("before", "after"))
        shown = (f"{n / len(found):.3g} [{low:.2g}, {high:.2g}]" for n, low, high in _with(counts, len(found)))
        yield [name, *shown, hours([one["delay"] for one in found])]


def _with(counts: Iterable[int], of: int) -> Iterator[tuple[int, float, float]]:
    for count in counts:
        yield count, *rates.poisson(count, of)


def hours(values: Sequence[float]) -> str:
    """The median of hours with its interval."""
    middle, low, high = rates.median(values)
    if math.isinf(middle):
        return "never" if math.isinf(low) else f"never [{low:.3g}, never]"
    if low == high:
        return f"{middle:.3g}"
    return f"{middle:.3g} [{low:.3g}, {'never' if math.isinf(high) else f'{high:.3g}'}]"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table in Markdown."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
