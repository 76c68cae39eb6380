"""Samples of both arms, window by window, from raw counters per pod.

Functions here are pure and give the same windows whether a range is asked for at once or piece by piece, each piece
beginning where the last window ended. Whatever is odd in a window makes that window no evidence, with its reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from rollmodel.evidence.core.checks import problem
from rollmodel.evidence.core.counters import (
    Reader,
    UnreadableError,
    bucket_bounds,
    read_buckets,
    read_counts,
    read_differences,
    read_means,
    tracks_of,
)
from rollmodel.evidence.core.increments import Grid, Increment, Track, Values, increments, place, windows
from rollmodel.evidence.core.samples import (
    CountSample,
    DifferenceSample,
    HistogramSample,
    MeanSample,
    NoEvidence,
    NoEvidenceReason,
    PodSeries,
    Window,
)
from rollmodel.evidence.core.types import MetricHistory

__all__ = ["count_samples", "difference_samples", "histogram_samples", "history", "mean_samples"]


def count_samples(
    series: Sequence[PodSeries], *, start: float, end: float, step: float, alone: bool = False
) -> list[tuple[Window, CountSample | NoEvidence]]:
    """Counts of requests and bad requests per window, oldest first.

    series: counters with role ``total`` and ``bad`` per pod; ``bad`` absent while ``total`` is there means 0. start,
    end, step: the aligned grid in unix seconds; ``start`` should be where the last window ended. alone: there is no
    stable arm. The newest windows are missing from the result while a pod's sample may still arrive. Raises ValueError
    for a grid that is none.
    """
    grid = Grid(start, end, step)
    try:
        placed = _placed(tracks_of(series, grid, read_counts), grid)
    except UnreadableError as error:
        return [(window, error.evidence) for window in _every(grid)]
    return [(window, _count_sample(found, alone=alone)) for window, found in placed]


def mean_samples(
    series: Sequence[PodSeries], *, start: float, end: float, step: float, alone: bool = False
) -> list[tuple[Window, MeanSample | NoEvidence]]:
    """Count and mean of both arms per window, oldest first; see :func:`count_samples`.

    series: counters with role ``count`` and ``sum`` per pod; both must be there.
    """
    grid = Grid(start, end, step)
    try:
        placed = _placed(tracks_of(series, grid, read_means), grid)
    except UnreadableError as error:
        return [(window, error.evidence) for window in _every(grid)]
    return [(window, _mean_sample(found, alone=alone)) for window, found in placed]


def difference_samples(
    series: Sequence[PodSeries], *, start: float, end: float, step: float
) -> list[tuple[Window, DifferenceSample | NoEvidence]]:
    """Pairs of the candidate's pods per window, oldest first; see :func:`count_samples`.

    series: counters with role ``total`` (pairs), ``up`` and ``down`` (differences by sign, both added up as positive
    numbers) and ``squares`` per pod, which must all be there; a difference is one in parts of the largest.
    """
    grid = Grid(start, end, step)
    try:
        placed = _placed(tracks_of(series, grid, read_differences), grid)
    except UnreadableError as error:
        return [(window, error.evidence) for window in _every(grid)]
    return [(window, _difference_sample(found)) for window, found in placed]


def histogram_samples(
    series: Sequence[PodSeries],
    *,
    start: float,
    end: float,
    step: float,
    edges: Sequence[float] = (),
    alone: bool = False,
) -> list[tuple[Window, HistogramSample | NoEvidence]]:
    """Increments of each histogram bucket per window, oldest first; see :func:`count_samples`.

    series: cumulative buckets whose role is their upper bound (``"0.25"``, ``"+Inf"``). edges: the finite bounds that
    every pod must have; by default those of the first series' pod.
    """
    grid = Grid(start, end, step)
    try:
        bounds = bucket_bounds(series, edges)
        placed = _placed(tracks_of(series, grid, partial(read_buckets, bounds)), grid)
    except UnreadableError as error:
        return [(window, error.evidence) for window in _every(grid)]
    return [(window, _histogram_sample(found, bounds, alone=alone)) for window, found in placed]


def history(
    series: Sequence[PodSeries], *, kind: Literal["count", "latency", "mean"], start: float, end: float, step: float
) -> MetricHistory:
    """What the stable arm's pods did in each window of one step, oldest first.

    Windows without data (before the first pod) and with a problem are left out: zeros would pass for a quiet past.
    """
    grid = Grid(start, end, step)
    stable = [s for s in series if s.arm == "stable"]
    try:
        bounds = bucket_bounds(stable, ()) if kind == "latency" else ()
        readers: dict[str, Reader] = {"count": read_counts, "mean": read_means}
        tracks = tracks_of(stable, grid, readers.get(kind, partial(read_buckets, bounds)))
    except UnreadableError:
        return MetricHistory()
    pods: dict[str, list[Values]] = {track.pod: [] for track in tracks}
    nothing = (0.0,) * (len(bounds) + 1 if kind == "latency" else 2)
    for window, found in _placed(tracks, grid):
        values = {x.pod: x.value for x in found if not isinstance(x.value, NoEvidence)}
        if found and len(values) == len(found) and window.end - window.start < 1.5 * step:
            for pod, samples in pods.items():
                samples.append(values.get(pod, nothing))
    return MetricHistory(pods=pods, edges=bounds)


def _every(grid: Grid) -> list[Window]:
    return [grid.window(tick, tick + 1) for tick in range(grid.last)]


def _placed(tracks: Sequence[Track], grid: Grid) -> list[tuple[Window, list[Increment]]]:
    """The windows with the increments that fall into each."""
    spans = windows(tracks, grid.last)
    found: list[list[Increment]] = [[] for _ in spans]
    for track in tracks:
        for increment in increments(track):
            position = place(spans, increment.tick)
            if position is not None:
                found[position].append(increment)
    return [(grid.window(*span), inside) for span, inside in zip(spans, found, strict=True)]


def _count_sample(found: Sequence[Increment], *, alone: bool) -> CountSample | NoEvidence:
    try:
        sample = CountSample(*_arm(found, "candidate"), *_stable(found, 2, alone=alone))
    except UnreadableError as error:
        return _without_candidate(error.evidence, found, counted=1)
    return problem(sample) or sample


def _mean_sample(found: Sequence[Increment], *, alone: bool) -> MeanSample | NoEvidence:
    try:
        sample = MeanSample(*_mean(found, "candidate"), *((0.0, 0.0) if alone else _mean(found, "stable")))
    except UnreadableError as error:
        return _without_candidate(error.evidence, found, counted=1)
    return problem(sample) or sample


def _difference_sample(found: Sequence[Increment]) -> DifferenceSample | NoEvidence:
    try:
        pairs, up, down, squares = _arm(found, "candidate")
    except UnreadableError as error:
        return error.evidence
    sample = DifferenceSample(pairs, up - down, squares)
    return problem(sample) or sample


def _mean(found: Sequence[Increment], arm: str) -> tuple[float, float]:
    """Count and mean of an arm; the mean of nothing is 0, and says nothing."""
    count, total = _arm(found, arm)
    if total and not count:
        message = f"{arm}: a sum of {total:g}, and a count of 0"
        raise UnreadableError(NoEvidenceReason.SUM_WITHOUT_COUNT, message)
    return count, total / count if count else 0.0


def _histogram_sample(
    found: Sequence[Increment], bounds: Sequence[float], *, alone: bool
) -> HistogramSample | NoEvidence:
    try:
        stable = _stable(found, len(bounds) + 1, alone=alone)
        sample = HistogramSample(edges=bounds, candidate=_arm(found, "candidate"), stable=stable)
    except UnreadableError as error:
        return _without_candidate(error.evidence, found, counted=None)
    return problem(sample) or sample


def _without_candidate(why: NoEvidence, found: Sequence[Increment], *, counted: int | None) -> NoEvidence:
    """With the requests of the stable arm, where no pod of the candidate reports.

    counted: how many of an increment's values count requests, None for all.
    """
    if why.reason is not NoEvidenceReason.ARM_EMPTY or any(one.arm == "candidate" for one in found):
        return why
    return replace(why, stable=sum(sum(v[:counted]) for one in found if not isinstance(v := one.value, NoEvidence)))


def _stable(found: Sequence[Increment], size: int, *, alone: bool) -> Values:
    """The stable arm, or nothing of it where there is none."""
    return (0.0,) * size if alone else _arm(found, "stable")


def _arm(found: Sequence[Increment], arm: str) -> Values:
    """The sum over the pods of an arm."""
    values: list[Values] = []
    for increment in found:
        if increment.arm == arm:
            if isinstance(increment.value, NoEvidence):
                raise UnreadableError(increment.value.reason, f"pod {increment.pod}: {increment.value.message}")
            values.append(increment.value)
    if not values:
        raise UnreadableError(NoEvidenceReason.ARM_EMPTY, f"no pod of the {arm} arm reports over this window")
    return tuple(map(sum, zip(*values, strict=True)))
