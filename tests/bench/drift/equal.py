"""Others at our false-alarm rate: their limits are chosen with hindsight, and hours to the alarm compared in pairs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.bench.drift import rates
from tests.bench.drift.cells import ELSEWHERE, STEADY
from tests.bench.drift.months import FREE, LOOKS, OURS
from tests.bench.drift.rules import STATISTICS
from tests.bench.drift.worlds import CHANGES

__all__ = ["of_rows", "section"]

Cells = Mapping[str, list[Any]]
Late = Mapping[str, list[float]]
"""By change, hours to the alarm of each month."""

_EQUAL = """
## At the same false-alarm rate
Would others be faster if they were as quiet? Each gets the smallest limit with which it rings in no more months than
ours does where nothing has changed. It is chosen with hindsight, from these very months: nobody has that. They are
tried with one hour beyond the limit, and with three in a row, as ours asks for. Hours to the alarm in the middle of the
months; in brackets in how many of the same months it came sooner than ours, and in how many later.

*Ours, no least effect* has `effect.psi` of almost nothing, as others have none; with `raiseAfterLooks: 1` one look is
enough. {months} months.
"""

_ALL = """
### One limit for all worlds
Nobody knows in advance whether rows depend on each other, or on the hour. The limit that is as quiet as ours in all
of *{worlds}* (ours: {alarms}), tried in the quiet world:
"""

_WORLD = """
### A limit for *{world}* alone
Whoever knew that the world is this one, and will remain so, could choose this limit. Ours rings in {alarms} of
quiet months.
"""

_ROWS = """
With the limit that is as quiet as ours in the quiet world ({alarms}), hours to the alarm, and how often sooner and
later than ours:
"""


def section(cells: Cells) -> Iterator[str]:
    """All tables of counts."""
    quiet = {world: cells[f"quiet/{world}"] for world in STEADY}
    yield _EQUAL.format(months=min(map(len, quiet.values())))
    yield _ALL.format(worlds=", ".join(STEADY), alarms=_rings([one for world in STEADY for one in quiet[world]]))
    most = {key: max(_limit(quiet[world], key) for world in STEADY) for key in _keys()}
    yield from _compared(cells, "quiet", tuple(CHANGES), most)
    for world in STEADY:
        yield _WORLD.format(world=world, alarms=_rings(quiet[world]))
        changes = tuple(CHANGES) if world == "quiet" else ELSEWHERE
        yield from _compared(cells, world, changes, {key: _limit(quiet[world], key) for key in _keys()})


def of_rows(cells: Cells) -> Iterator[str]:
    """Evidently's distances with a limit of our rate."""
    quiet = cells["rows/quiet/quiet"]
    allowed = sum(month["rules"]["ours"][1] > 0 for month in quiet)
    yield _ROWS.format(alarms=rates.share(allowed, len(quiet)))
    yield from _head(tuple(CHANGES))
    months = {change: cells[f"rows/change/{change}"] for change in CHANGES}
    ours = {change: [month["rules"]["ours"] for month in found] for change, found in months.items()}
    yield _row("ours", ours, None)
    for looks in LOOKS:
        key = f"{looks} distance"
        limit = rates.limit_for([month["highest"][key] for month in quiet], allowed)
        late = {change: [rates.reached(one["rises"][key], limit) for one in found] for change, found in months.items()}
        yield _row(f"distance > {limit:.3g}{_in_a_row(looks)}", late, ours)


def _keys() -> list[str]:
    return [f"{looks} {name}" for name in STATISTICS for looks in LOOKS]


def _limit(quiet: Sequence[Any], key: str) -> float:
    return rates.limit_for([month["highest"][key] for month in quiet], _ringing(quiet))


def _ringing(quiet: Sequence[Any]) -> int:
    return sum(month["rules"][OURS][1] > 0 for month in quiet)


def _rings(quiet: Sequence[Any]) -> str:
    return rates.share(_ringing(quiet), len(quiet))


def _compared(cells: Cells, world: str, changes: Sequence[str], limits: Mapping[str, float]) -> Iterator[str]:
    months = {change: cells[f"change/{world}/{change}"] for change in changes}
    ours = _late(months, OURS)
    yield from _head(changes)
    yield _row("ours", ours, None)
    quiet = cells[f"quiet/{world}"]
    for name in ("ours, `raiseAfterLooks: 1`", *FREE):
        rings = rates.share(sum(one["rules"][name][1] > 0 for one in quiet), len(quiet))
        yield _row(f"{name} (rings in {rings})", _late(months, name), ours)
    for key, limit in limits.items():
        looks, name = key.split(" ", 1)
        late = {change: [rates.reached(one["rises"][key], limit) for one in found] for change, found in months.items()}
        yield _row(f"{_named(name, limit)}{_in_a_row(int(looks))}", late, ours)


def _late(months: Mapping[str, Sequence[Any]], name: str) -> Late:
    return {change: [month["rules"][name] for month in found] for change, found in months.items()}


def _named(name: str, limit: float) -> str:
    return f"{name} < 1e-{limit:.1f}" if name.startswith("p ") else f"{name} > {limit:.3g}"


def _in_a_row(looks: int) -> str:
    return "" if looks == 1 else f", {looks} in a row"


def _head(changes: Sequence[str]) -> Iterator[str]:
    yield f"| rule | {' | '.join(changes)} |"
    yield f"|{'---|' * (1 + len(changes))}"


def _row(name: str, late: Late, ours: Late | None) -> str:
    cells = []
    for change, values in late.items():
        middle = rates.median(values)[0]
        shown = "never" if math.isinf(middle) else f"{middle:.3g}"
        if ours is not None:
            pairs = list(zip(values, ours[change], strict=True))
            sooner, later = (sum(sign * a < sign * b for a, b in pairs) / len(pairs) for sign in (1.0, -1.0))
            shown = f"{shown} ({sooner:.0%}, {later:.0%})"
        cells.append(shown)
    return f"| {name} | {' | '.join(cells)} |"
