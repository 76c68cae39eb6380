"""Rules that say whether a model's world has changed: ours, and those that people use.

A rule gives for each hour whether it rings: where nothing has changed, that is a false alarm. Those of others ring in
each hour that is beyond their limit, as they have no memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rollmodel.evidence.core.arrays import Array
from rollmodel.evidence.drift.alarm import QUIET, Hysteresis, Track, thresholds
from rollmodel.evidence.drift.anytime import careful_dispersion, compare_anytime
from rollmodel.evidence.drift.compare import CAREFUL_EXPECTED, Comparison, compare, grouped, merge_bins, statistic
from rollmodel.evidence.drift.dispersion import learn
from rollmodel.evidence.drift.mixture import mixture
from rollmodel.evidence.drift.quality import log10_p_of_rise, share_before

from tests.bench.drift.worlds import DAY, FEATURES, WEEK, Month, rhythm, summed

__all__ = ["BUDGET", "RULES", "STATISTICS", "Alarms", "Ours", "Rule", "SameHours", "raised"]

Alarms = NDArray[np.bool_]
Rule = Callable[[Month], Alarms]

#: A chance of 5 % in 30 days, shared by 720 looks; what matters: PSI, missing values, values never seen.
BUDGET, LOOKS, EFFECT, NULL_RISE, UNSEEN_RISE = 0.05, 720, 0.02, 0.05, 0.02
#: With up to 13 degrees of freedom a smaller F is never less likely than 0.1, which no threshold asks for.
_LEAST_RATIO = 1.5


@dataclass(frozen=True, slots=True)
class Ours:
    """A DriftPolicy with its defaults, and the signals `Feature` and `Quality` with the same weight."""

    windows: tuple[int, ...] = (1, 6, DAY, WEEK)
    anytime: bool = False
    looks_in_a_row: int = 3
    effect: float = EFFECT
    by_hours: bool = False
    """The profile has counts by hours of the week, and windows of less than a week are compared with theirs."""

    def __call__(self, month: Month) -> Alarms:
        """Whether an alarm is on, in each hour."""
        return raised(self.seen(month), Hysteresis(self.looks_in_a_row, 6))

    def seen(self, month: Month) -> Alarms:
        """What each look sees of each test [hours, tests]: bins, missing and unseen values of all features."""
        return _seen(replace(self, looks_in_a_row=1), month)

    def look(self, month: Month) -> Alarms:
        """As ``seen``, which remembers it: looks in a row are a matter of what comes after."""
        weights = np.repeat([1.0 / FEATURES, 0.5 / FEATURES, 0.5 / FEATURES], FEATURES)
        alpha = thresholds(weights, budget=BUDGET, looks=LOOKS, windows=len(self.windows))
        found = np.zeros((len(month.live.bins), 3 * FEATURES), dtype=bool)
        for width in self.windows:
            log10_p, far = _broken(month, width)
            found[:, FEATURES:] |= far & (log10_p < math.log10(alpha[-1]))
            if self.anytime:
                found[:, :FEATURES] |= self._surely_moved(month, width, float(alpha[0]))
            else:
                moved = _moved(month, width, by_hours=self.by_hours and width < WEEK)
                found[:, :FEATURES] |= moved.seen(float(alpha[0]), self.effect)
        return found

    def _surely_moved(self, month: Month, width: int, alpha: float) -> Alarms:
        """Which features [hours, F] have moved, by e-values."""
        live, dispersion = month.live.over(width), _taught(month)
        share = month.reference.bins / month.reference.bins.sum(axis=-1, keepdims=True)
        psi, _ = _far(month.reference.bins, live.bins, dispersion, rows=month.reference.rows, share=share)
        found = psi > self.effect
        at = np.nonzero(found)
        seen = compare_anytime(
            np.broadcast_to(month.reference.bins, live.bins.shape)[at],
            live.bins[at],
            dispersion=careful_dispersion(dispersion, float(len(month.quiet.bins)))[at[1]],
            delta=np.full(len(at[1]), alpha * LOOKS * len(self.windows) / 2.0),
            least=CAREFUL_EXPECTED,
        )
        found[at] = seen.log10_p < math.log10(alpha / 2.0)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Moved:
    """Of each hour and feature [hours, F]: the corrected PSI, and log10 p where it may matter; else 0."""

    psi: Array
    log10_p: Array

    def seen(self, alpha: float, effect: float) -> Alarms:
        """What is both certain and large."""
        return np.asarray((self.psi > effect) & (self.log10_p < math.log10(alpha)))


@lru_cache(maxsize=16)
def _taught(month: Month) -> Array:
    """The dispersion of each feature [F]."""
    return learn(month.quiet.bins).dispersion


@lru_cache(maxsize=16)
def _moved(month: Month, width: int, *, by_hours: bool = False) -> Moved:
    """The last ``width`` hours with the profile, or with its same hours."""
    if by_hours:
        reference, live = _by_hours(month, width)
    else:
        reference, live = month.reference.bins, month.live.over(width).bins
    return _compared_carefully(reference, live, _taught(month), quiet=float(len(month.quiet.bins)))


def _by_hours(month: Month, width: int) -> tuple[Array, Array]:
    """What each window of so many hours [hours, F, K] is compared with, and its counts; in groups of bins where a
    feature follows the hours. The world's first hour was ``quiet``.
    """
    known, live = _rhythm(month), month.live.over(width).bins
    reference = np.broadcast_to(month.reference.bins, live.shape).copy()
    if not len(known.index):
        return reference, live
    hours, part = len(live), known.part[(len(month.quiet.bins) + np.arange(len(live))) % WEEK]
    rows = np.zeros((hours, len(known.counts), len(known.index)))
    rows[np.arange(hours), part] = month.live.bins[:, known.index].sum(axis=-1)
    reference[:, known.index] = mixture(known.counts, summed(rows, width))
    live[:, known.index] = grouped(live[:, known.index], known.groups)
    return reference, live


_rhythm = lru_cache(maxsize=4)(rhythm)


def _far(reference: Array, live: Array, dispersion: Array, *, rows: Array, share: Array) -> tuple[Array, Array]:
    """How far features [hours, F] have moved, corrected for chance; and how much more than chance they differ."""
    group = merge_bins(share, rows, CAREFUL_EXPECTED)
    of_live, of_reference = live.sum(axis=-1), reference.sum(axis=-1)
    chi, freedom, psi = statistic(reference, live, group)
    chance = dispersion * freedom * (1.0 / np.maximum(of_live, 1.0) + 1.0 / np.maximum(of_reference, 1.0))
    return np.asarray(psi - chance), np.asarray(chi / dispersion / np.maximum(freedom, 1.0))


def _compared_carefully(reference: Array, live: Array, dispersion: Array, *, quiet: float) -> Moved:
    """As a look of a policy with `falseAlarms.mode: Budget`. The tail is computed only where it may matter."""
    reference = np.broadcast_to(reference, live.shape)
    rows = np.minimum(live.sum(axis=-1), reference.sum(axis=-1))
    share = reference / np.maximum(reference.sum(axis=-1, keepdims=True), 1.0)
    psi, ratio = _far(reference, live, dispersion, rows=rows, share=share)
    at, log10_p = np.nonzero((psi > 0.0) & (ratio > _LEAST_RATIO)), np.zeros_like(psi)
    seen = compare(reference[at], live[at], dispersion=dispersion[at[1]], quiet_windows=quiet, least=CAREFUL_EXPECTED)
    log10_p[at] = seen.log10_p
    return Moved(psi, log10_p)


@lru_cache(maxsize=4)
def _seen(rule: Ours, month: Month) -> Alarms:
    return rule.look(month)


@lru_cache(maxsize=16)
def _broken(month: Month, width: int) -> tuple[Array, Alarms]:
    """Of missing and of unseen values [hours, 2 F]: log10 p of the rise, and whether it is large enough."""
    certain, large = [], []
    reference, live = month.reference, month.live.over(width)
    for before, now, limit in (
        (reference.missing, live.missing, NULL_RISE),
        (reference.unseen, live.unseen, UNSEEN_RISE),
    ):
        careful = share_before(before, reference.rows)
        certain.append(log10_p_of_rise(now, live.rows, careful, _taught(month)))
        large.append(now / np.maximum(live.rows, 1.0) - before / np.maximum(reference.rows, 1.0) > limit)
    return np.concatenate(certain, axis=-1), np.concatenate(large, axis=-1)


@dataclass(frozen=True, slots=True)
class SameHours:
    """`reference.window` with a season: windows of an hour are compared with the same hours of the past.

    The first ``teaching`` hours of the month teach how much windows of one phase vary, and are not judged.
    """

    period: int
    periods: int
    teaching: int

    def __call__(self, month: Month) -> Alarms:
        """Whether an alarm is on, in each hour."""
        live = month.live.bins
        phases = [hour % self.period for hour in range(self.teaching)]
        dispersion = learn(live[: self.teaching], phases=phases).dispersion
        past = np.zeros_like(live)
        for back in range(self.period, self.period * self.periods + 1, self.period):
            past[back:] += live[:-back]
        alpha = float(thresholds(np.ones(FEATURES), budget=BUDGET / 2, looks=LOOKS, windows=1)[0])
        found = _compared_carefully(past, live, dispersion, quiet=self.teaching).seen(alpha, EFFECT)
        found[: self.teaching] = False
        return raised(found)


def raised(seen: Alarms, rule: Hysteresis | None = None) -> Alarms:
    """Whether any test [hours, tests] is in alarm: three looks in a row raise one, and six clear it, by default."""
    rule, found = rule or Hysteresis(), np.zeros(len(seen), dtype=bool)
    tracks: dict[int, Track] = {}
    for hour in range(len(seen)):
        now = set(np.flatnonzero(seen[hour]).tolist())
        looked = {
            test: tracks.get(test, QUIET).look(changed=test in now, clear=test not in now, rule=rule)
            for test in now | set(tracks)
        }
        tracks = {test: track for test, track in looked.items() if track != QUIET}
        found[hour] = any(track.verdict == "Drifted" for track in tracks.values())
    return found


@lru_cache(maxsize=4)
def _compared(month: Month, width: int) -> Comparison:
    """The last ``width`` hours with the profile, as others do."""
    return compare(month.reference.with_missing(), month.live.over(width).with_missing())


def _psi(month: Month, width: int = 1) -> Array:
    """The index of each feature in the last ``width`` hours [hours, F]; 0 while they are not over."""
    found = _compared(month, width)
    return np.where(found.rows > 0.0, found.psi, 0.0)


def _surprise(month: Month, width: int = 1) -> Array:
    """Minus log10 p of the chi-square test of each feature [hours, F]."""
    return -_compared(month, width).log10_p


def psi_above(limit: float) -> Rule:
    """The population stability index of any feature in an hour."""
    return lambda month: np.asarray((_psi(month) > limit).any(axis=1))


def p_below(level: float) -> Rule:
    """A chi-square test of each feature in each hour."""
    return lambda month: np.asarray((_surprise(month) > -math.log10(level)).any(axis=1))


def mean_and_spread(month: Month) -> Alarms:
    """The index of any feature is above its mean in quiet hours plus three standard deviations."""
    return np.asarray((_above_mean(month) > 3.0).any(axis=1))


def _above_mean(month: Month) -> Array:
    """The index of each feature in an hour, in standard deviations above its mean in quiet hours [hours, F]."""
    before = compare(month.reference.with_missing(), month.quiet.with_missing()).psi
    return np.asarray((_psi(month) - before.mean(axis=0)) / np.maximum(before.std(axis=0), 1e-12))


#: The default windows where a window is not compared with the same hours.
_WITHOUT_HOURS = (1, DAY, WEEK)

RULES: Mapping[str, Rule] = {
    "ours": Ours(by_hours=True),
    "ours, profile without hours of the week": Ours(windows=_WITHOUT_HOURS),
    "ours, profile without hours of the week, and a window of 6 h": Ours(),
    "ours, `raiseAfterLooks: 1`": Ours(by_hours=True, looks_in_a_row=1),
    "ours, without the window of 6 h": Ours(windows=_WITHOUT_HOURS, by_hours=True),
    "ours, windows of 1 h and 7 d": Ours(windows=(1, WEEK)),
    "ours, `Anytime`": Ours(anytime=True, windows=_WITHOUT_HOURS),
    "ours, `reference.window`, `season: HourOfDay`, windows of 1 h": SameHours(DAY, 14, 3 * DAY),
    "ours, `reference.window`, `season: HourOfWeek`, windows of 1 h": SameHours(WEEK, 2, 2 * WEEK),
    "p < 0.05": p_below(0.05),
    "PSI > 0.1": psi_above(0.1),
    "PSI > 0.2": psi_above(0.2),
    "mean + 3 sd": mean_and_spread,
}

#: What other rules look at, of any feature: the largest one of an hour is compared with a limit.
STATISTICS: Mapping[str, Callable[[Month], Array]] = {
    "PSI of 1 h": _psi,
    "PSI of 24 h": lambda month: _psi(month, DAY),
    "p of 1 h": _surprise,
    "p of 24 h": lambda month: _surprise(month, DAY),
    "sd above the mean PSI": _above_mean,
}
