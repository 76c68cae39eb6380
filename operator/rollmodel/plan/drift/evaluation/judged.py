"""What a look makes of what each test sees: its verdict, and what status says of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rollmodel.api.driftpolicy import SignalStatus
from rollmodel.api.fields.decimals import decimal
from rollmodel.evidence.core.arrays import Array
from rollmodel.evidence.drift.alarm import QUIET, Hysteresis, Track
from rollmodel.evidence.drift.anytime import visible_psi_anytime
from rollmodel.evidence.drift.power import visible_psi
from rollmodel.plan.drift.evaluation.history import whole_rows
from rollmodel.plan.drift.evaluation.seen import Seen
from rollmodel.plan.drift.evaluation.watches import Watch
from rollmodel.plan.drift.evaluation.windows import Windows

__all__ = ["Judged", "judge", "shown_name", "status_of", "visible_to"]

_WORDS = {"null": "missing values", "unseen": "values hardly seen in training"}
#: A change less certain than that is none.
_DOUBT = -2.0
_LEAST = 1e-300
_LONGEST = 320


@dataclass(frozen=True, slots=True)
class Judged:
    """A test after the look. ``merit`` is its change in units of its limit; ``window`` is the one that tells most."""

    test: Watch
    seen: Seen
    alpha: float
    before: SignalStatus | None
    track: Track
    verdict: str
    merit: float
    window: int

    @property
    def moving(self) -> bool:
        """Whether it shows a change."""
        return self.verdict in {"Suspected", "Drifted"}


def judge(
    windows: Windows, tests: Sequence[Watch], measured: Sequence[Seen], alpha: Array, before: Mapping[str, SignalStatus]
) -> list[Judged]:
    """All tests at once; ``alpha`` [tests] are their thresholds, ``before`` is what the last look said, by name."""
    if not tests:
        return []
    rule = Hysteresis(windows.spec.hysteresis.raise_after_looks, windows.spec.hysteresis.clear_after_looks)
    found = []
    for test, seen, threshold, (able, moved, over, most, at) in zip(
        tests, measured, alpha.tolist(), _looks(windows, tests, measured, alpha), strict=True
    ):
        known = before.get(test.name)
        track = _track(known)
        if able:
            track = track.look(changed=moved, clear=over, rule=rule)
        found.append(
            Judged(
                test=test,
                seen=seen,
                alpha=threshold,
                before=known,
                track=track,
                verdict=track.verdict if able or track.verdict != "Stable" else "Insufficient",
                merit=most / test.limit if test.limit else 0.0,
                window=at if able else 0,
            )
        )
    return found


def _looks(
    windows: Windows, tests: Sequence[Watch], measured: Sequence[Seen], alpha: Array
) -> Iterator[tuple[bool, bool, bool, float, int]]:
    """By test: whether any window has enough rows, whether one shows a change, whether all are calm again; the largest
    change, and the window that tells most.
    """
    ratio = decimal(windows.spec.hysteresis.clear_ratio)
    log10_p, change = (np.stack([getattr(one, name) for one in measured]) for name in ("log10_p", "change"))
    enough = np.stack([windows.enough if one.enough is None else one.enough for one in measured])
    limit = np.array([[test.limit] for test in tests])
    certain = np.array([[math.log10(max(float(one), _LEAST))] for one in alpha])
    changed = enough & (log10_p < certain) & (change > limit)
    calm = ~enough | (change <= ratio * limit) | (log10_p > _DOUBT)
    merit = np.where(enough, change, -np.inf)
    window = np.where(changed, -log10_p + 1e3, merit).argmax(axis=1)
    return zip(
        np.logical_or.reduce(enough, axis=1).tolist(),
        np.logical_or.reduce(changed, axis=1).tolist(),
        np.logical_and.reduce(calm, axis=1).tolist(),
        merit.max(axis=1).tolist(),
        window.tolist(),
        strict=True,
    )


def shown_name(test: Watch) -> str:
    """Its name in status."""
    return test.name[:_LONGEST]


def status_of(windows: Windows, judged: Judged, *, now: str) -> SignalStatus:
    """What status says of it."""
    test, seen, window, before = judged.test, judged.seen, judged.window, judged.before
    same = before is not None and before.verdict == judged.verdict
    return SignalStatus(
        name=shown_name(test),
        kind=test.kind,
        window_seconds=windows.spec.windows[window],
        verdict=judged.verdict,
        severity=_severity(test, float(seen.change[window])) if judged.track.verdict != "Stable" else None,
        samples=whole_rows(windows.groups[window, test.index, 2] if seen.rows is None else seen.rows[window]),
        since=before.since if same and before is not None and before.since else now,
        looks=judged.track.looks,
        log10_p=f"{seen.log10_p[window]:.1f}",
        **_numbers(windows, test, window, judged.alpha, seen),
    )


def _track(before: SignalStatus | None) -> Track:
    if before is None or before.verdict not in {"Suspected", "Drifted"}:
        return QUIET
    return Track("Drifted" if before.verdict == "Drifted" else "Suspected", before.looks)


def _severity(test: Watch, change: float) -> str:
    return "Severe" if change >= test.severe else "Moderate"


def _numbers(windows: Windows, test: Watch, window: int, alpha: float, seen: Seen) -> dict[str, str]:
    change = float(seen.change[window])
    if test.what != "bins":
        if seen.said:
            return {"message": seen.said}
        if test.what == "rows" and seen.values is not None:
            return {"message": f"{seen.values[window]:.0f} rows an hour, at least {test.floor:.0f} should come"}
        if seen.values is not None:
            return _performance(windows, test, seen, window)
        return {"message": f"{_WORDS[test.what]}: +{max(change, 0.0):.3f}, allowed {test.limit:g}"}
    found, dispersion = windows.comparison, float(windows.dispersion[test.index])
    return {
        "psi": f"{found.psi[window, test.index]:.4f}",
        "corrected_psi": f"{change:.4f}",
        "dispersion": f"{dispersion:.2f}",
        "min_detectable_psi": _shown(visible_to(windows, test.index, window, alpha)),
    }


def _performance(windows: Windows, test: Watch, seen: Seen, window: int) -> dict[str, str]:
    """What it is and was, where enough rows tell."""
    assert seen.values is not None  # noqa: S101  asked by the caller
    if not (windows.enough if seen.enough is None else seen.enough)[window]:
        return {"message": "too few rows"}
    now, how = float(seen.values[window]), "measured" if test.what == "labels" else "estimated"
    before = now + float(seen.change[window])
    return {"message": f"{test.metric} {now:.3f} {how}, {before:.3f} in training, may drop by {test.limit:g}"}


def visible_to(windows: Windows, index: int, window: int, alpha: float) -> float:
    """The smallest PSI that a signal (at ``index``) can show in this window."""
    found = windows.comparison
    rows, freedom = float(found.rows[window, index]), int(found.freedom[window, index])
    reference = float(windows.reference[window, index].sum())
    spread = float(windows.dispersion[index])
    if windows.delta is not None:
        worth, delta = rows / spread, float(windows.delta[index])
        return visible_psi_anytime(worth, reference, freedom, alpha=alpha, delta=delta)
    return visible_psi(rows, reference, freedom, alpha, spread)


def _shown(value: float) -> str:
    return "none" if math.isinf(value) else f"{value:.4f}"
