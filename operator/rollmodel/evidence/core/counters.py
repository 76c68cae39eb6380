"""The counters of a pod at each tick of the grid, by what kind of sample they are for.

Prometheus answers with one series for each counter. A reader puts those of one pod together, tick by tick, and says so
where that cannot be: a counter is missing, there are two of it, or buckets are not those of other pods.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf

from rollmodel.evidence.core.checks import edges_problem
from rollmodel.evidence.core.increments import Grid, Track, Values
from rollmodel.evidence.core.samples import NoEvidence, NoEvidenceReason, PodSeries

__all__ = [
    "Reader",
    "UnreadableError",
    "bucket_bounds",
    "read_buckets",
    "read_counts",
    "read_differences",
    "read_means",
    "tracks_of",
]

#: The counters of one pod by role, and how to read them: values by tick.
Counters = Mapping[str, Mapping[int, float]]
Reader = Callable[[Counters], Mapping[int, Values]]


class UnreadableError(Exception):
    """Counters that cannot become a sample, with the reason."""

    def __init__(self, reason: NoEvidenceReason, message: str) -> None:
        super().__init__(message)
        self.evidence = NoEvidence(reason, message)


def tracks_of(series: Sequence[PodSeries], grid: Grid, read: Reader) -> list[Track]:
    """What each pod counted, tick by tick. Raises :class:`UnreadableError`."""
    if not series:
        raise UnreadableError(NoEvidenceReason.NO_SERIES, "the answer holds no series")
    pods: dict[tuple[str, str], list[PodSeries]] = defaultdict(list)
    for one in series:
        pods[one.arm, one.pod].append(one)
    return [Track(arm, pod, read(_by_tick(mine, grid))) for (arm, pod), mine in pods.items()]  # pod by pod: less memory


def _by_tick(series: Sequence[PodSeries], grid: Grid) -> Counters:
    """The counters of one pod by role and tick."""
    roles: dict[str, dict[int, float]] = {}
    for one in series:
        if one.role in roles:
            message = f"two series {one.role!r} of pod {one.pod}: sum them by pod"
            raise UnreadableError(NoEvidenceReason.NO_SERIES, message)
        roles[one.role] = {i: value for time, value in one.points if (i := grid.index(time)) is not None}
    return roles


def read_counts(roles: Counters) -> Mapping[int, Values]:
    """Total and bad at each tick that has both; before its first sample ``bad`` is 0."""
    if "total" not in roles:
        raise UnreadableError(NoEvidenceReason.NO_SERIES, "a pod has no series 'total'")
    bad = roles.get("bad", {})
    first = min(bad, default=inf)
    return {tick: (total, bad.get(tick, 0.0)) for tick, total in roles["total"].items() if tick < first or tick in bad}


def read_means(roles: Counters) -> Mapping[int, Values]:
    """Count and sum at each tick that has both."""
    for role in ("count", "sum"):
        if role not in roles:
            raise UnreadableError(NoEvidenceReason.NO_SERIES, f"a pod has no series {role!r}")
    return {tick: (count, roles["sum"][tick]) for tick, count in roles["count"].items() if tick in roles["sum"]}


def read_differences(roles: Counters) -> Mapping[int, Values]:
    """Pairs, differences up and down, and squares at each tick that has all of them."""
    names = ("total", "up", "down", "squares")
    for role in names:
        if role not in roles:
            raise UnreadableError(NoEvidenceReason.NO_SERIES, f"a pod has no series {role!r}")
    ticks = set(roles["total"]).intersection(*(roles[name] for name in names))
    return {tick: tuple(roles[name][tick] for name in names) for tick in ticks}


def read_buckets(bounds: Sequence[float], roles: Counters) -> Mapping[int, Values]:
    """The count of each bucket alone, at each tick that has all of them."""
    columns = {_bound(role): points for role, points in roles.items()}
    if set(columns) != {*bounds, inf}:
        message = f"a pod's buckets are {_short(columns)}, not {_short((*bounds, inf))}"
        raise UnreadableError(NoEvidenceReason.EDGES_CHANGED, message)
    ordered = [columns[bound] for bound in (*bounds, inf)]
    ticks = set(ordered[0]).intersection(*ordered)
    return {tick: _apart([column[tick] for column in ordered]) for tick in ticks}


def _apart(cumulative: Sequence[float]) -> Values:
    return tuple(high - low for low, high in zip([0.0, *cumulative[:-1]], cumulative, strict=True))


def bucket_bounds(series: Sequence[PodSeries], edges: Sequence[float]) -> tuple[float, ...]:
    """The finite bucket bounds to go by, ascending."""
    first = [s for s in series if (s.arm, s.pod) == (series[0].arm, series[0].pod)]
    bounds = tuple(edges) or tuple(sorted({_bound(s.role) for s in first} - {inf}))
    if series and (odd := edges_problem(bounds)):
        raise UnreadableError(odd.reason, odd.message)
    return bounds


def _bound(role: str) -> float:
    try:
        return float(role)
    except ValueError:
        raise UnreadableError(NoEvidenceReason.EDGES_CHANGED, f"{role!r} is not a bucket's bound") from None


def _short(bounds: Iterable[float]) -> str:
    return ", ".join(f"{bound:g}" for bound in sorted(bounds)[:12])
