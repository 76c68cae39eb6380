"""The windows of one evaluation: what was counted in each, and what that is compared with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rollmodel.api.driftpolicy import DriftPolicySpec
from rollmodel.evidence.core.arrays import Array, Mask
from rollmodel.evidence.drift.anytime import careful_dispersion, compare_anytime
from rollmodel.evidence.drift.compare import CAREFUL_ALPHA, CAREFUL_EXPECTED, Comparison, compare
from rollmodel.plan.drift.evaluation.history import History
from rollmodel.plan.drift.evaluation.queries import step_of
from rollmodel.plan.drift.profile.concurrent import Concurrent, Totals
from rollmodel.plan.drift.profile.reference import PERIODS, profile_period, reference_of

__all__ = ["Times", "Windows", "windows_of"]


@dataclass(frozen=True, slots=True)
class Windows:
    """Counts of all windows. ``live`` and ``reference`` [W, S, K], ``groups`` [W, S, 3], ``enough`` [W]."""

    spec: DriftPolicySpec
    history: History
    live: Array
    reference: Array
    groups: Array
    enough: Mask
    dispersion: Array
    comparison: Comparison
    times: Times
    concurrent: Concurrent | None = None
    totals: Sequence[Totals] = ()
    delta: Array | None = None
    own_hours: Mask | None = None
    """Which windows [W] are compared with their own hours of the profile."""


@dataclass(frozen=True, slots=True)
class Times:
    """When it looks, and since when rows count (unix seconds)."""

    at: float
    since: float

    def windows(self, spec: DriftPolicySpec) -> list[tuple[float, float]]:
        """Begin and end of each window."""
        return [(max(self.at - width, self.since), self.at) for width in spec.windows]


def windows_of(
    spec: DriftPolicySpec,
    history: History,
    concurrent: Concurrent | None,
    times: Times,
    *,
    dispersion: Array,
    alpha: float,
    delta: Array | None = None,
) -> Windows:
    """Counts of all windows; ``alpha`` is the smallest threshold of any test.

    With ``delta`` [S], the risk that the reference is no good picture of the truth, they are compared by e-values.
    """
    totals = [concurrent.totals(*window) for window in times.windows(spec)] if concurrent is not None else []
    live, reference, groups = _at_the_same_time(totals) if totals else _of_one_revision(spec, history, times)
    seen, reference, own_hours = _at_their_hours(spec, history, times, live, reference)
    complete = np.array([times.at - width >= times.since - 1e-6 for width in spec.windows])
    least = float(max(spec.samples.min_expected_per_bin, CAREFUL_EXPECTED if alpha < CAREFUL_ALPHA else 0.0))
    found = Windows(
        spec=spec,
        history=history,
        live=live,
        reference=reference,
        groups=groups,
        enough=complete
        & _known(spec, reference, totals, own_hours)
        & (groups[:, :, 2].max(axis=1) >= spec.samples.min_per_window),
        dispersion=dispersion,
        comparison=_compared(spec, reference, seen, dispersion=dispersion, least=least, delta=delta),
        times=times,
        concurrent=concurrent,
        totals=totals,
        delta=delta,
        own_hours=own_hours,
    )
    return replace(found, comparison=_with_brackets(found))


def _compared(
    spec: DriftPolicySpec, reference: Array, seen: Array, *, dispersion: Array, least: float, delta: Array | None
) -> Comparison:
    """Counts [W, S, K] against the reference: by chi-square, or by e-values where ``delta`` is given."""
    quiet = spec.dependence.quiet_windows if spec.dependence.dispersion == "Auto" else math.inf
    if delta is None:
        return compare(reference, seen, dispersion=dispersion, quiet_windows=quiet, least=least)
    careful = careful_dispersion(dispersion, quiet)
    return compare_anytime(reference, seen, dispersion=careful, delta=delta, least=least)


def _at_the_same_time(totals: Sequence[Totals]) -> tuple[Array, Array, Array]:
    """Counts of a candidate, those of the stable revision [W, S, K], and the candidate's groups [W, S, 3]."""
    live, reference, groups = (
        np.stack([getattr(one, name) for one in totals]) for name in ("live", "reference", "live_groups")
    )
    return live, reference, groups


def _of_one_revision(spec: DriftPolicySpec, history: History, times: Times) -> tuple[Array, Array, Array]:
    """Counts of a revision, those of its reference [W, S, K], and its groups [W, S, 3]."""
    cells = np.stack([history.total(*window) for window in times.windows(spec)])
    reference = reference_of(spec, history, at=times.at, watched_since=times.since)
    return history.bins(cells), reference, history.groups(cells)


def _at_their_hours(
    spec: DriftPolicySpec, history: History, times: Times, live: Array, reference: Array
) -> tuple[Array, Array, Mask]:
    """Counts, and what they are compared with [W, S, K]: of windows that are shorter than the profile's season by the
    hours of each; and which windows [W] these are.
    """
    period, rhythm = profile_period(spec, history.layout), history.layout.rhythm
    shorter = np.array([period is not None and width < period for width in spec.windows])
    if rhythm is None or not shorter.any() or not len(rhythm.index):
        return live, reference, np.zeros(len(shorter), dtype=bool)
    seen, known = live.copy(), np.array(reference)
    for window in np.flatnonzero(shorter).tolist():
        begin, end = times.windows(spec)[window]
        ends, rows = history.rows(begin, end)
        seen[window], known[window] = rhythm.compared(
            live[window], reference[window], rows, ends, step=step_of(spec), daily=period == PERIODS["HourOfDay"]
        )
    return seen, known, shorter


def _known(spec: DriftPolicySpec, reference: Array, totals: Sequence[Totals], own_hours: Mask) -> Mask:
    """Whether there is enough to compare with, by window."""
    if spec.reference.stable_track is not None:
        rows = np.array([one.reference_groups[:, 2].max() for one in totals])
        return np.asarray(rows >= spec.reference.stable_track.min_rows)
    return np.asarray(
        (reference.sum(axis=2).max(axis=1) >= spec.samples.min_per_window)
        | ((spec.reference.window is None) & ~own_hours)
    )


def _with_brackets(windows: Windows) -> Comparison:
    """Where the edges of two revisions differ: the surer of what their common bins and what their brackets show."""
    found = windows.comparison
    if windows.concurrent is None:
        return found
    log10_p, psi, freedom = found.log10_p.copy(), found.corrected_psi.copy(), found.freedom.copy()
    for window, totals in enumerate(windows.totals):
        for index in totals.outside:
            seen = windows.concurrent.brackets(totals, index, float(windows.dispersion[index]))
            if seen is not None:
                log10_p[window, index] = min(0.0, min(log10_p[window, index], seen.log10_p) + math.log10(2.0))
                psi[window, index] = max(psi[window, index], seen.corrected_psi)
                freedom[window, index] = max(1.0, freedom[window, index])
    return replace(found, log10_p=log10_p, corrected_psi=psi, freedom=freedom)
