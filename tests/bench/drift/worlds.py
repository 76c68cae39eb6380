"""Worlds that a model may live in: what its rows are like in each hour, and what its profile counted.

30 features: 12 normal, 12 log-normal (to bins both are the same), 6 with five categories.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rollmodel.evidence.core.arrays import Array
from rollmodel.plan.drift.profile.rhythm import Rhythm
from rollmodel.profile.bins import LEVELS
from rollmodel.profile.build import MINIMUM_GROUP
from rollmodel.profile.hours import parts_of, rhythm_of
from scipy import stats

__all__ = [
    "CATEGORIES",
    "CATEGORY",
    "CHANGES",
    "DAY",
    "FEATURES",
    "MOVING",
    "NOTHING",
    "NUMBER",
    "NUMERIC",
    "WEEK",
    "WORLDS",
    "Change",
    "Counts",
    "Month",
    "Sample",
    "World",
    "counts",
    "month",
    "profile",
    "rhythm",
    "summed",
]

FEATURES, NUMERIC = 30, 24
CATEGORIES = np.array([0.40, 0.30, 0.15, 0.10, 0.05])
#: Features that follow the clock, or wander; and those to which something happens: a number and a category.
MOVING, NUMBER, CATEGORY = 5, 5, NUMERIC
DAY, WEEK = 24, 168
_BINS = len(LEVELS) + 1


@dataclass(frozen=True, slots=True)
class World:
    """``shift(rng, hours)`` are the means of the moving features in each hour, in standard deviations."""

    shift: Callable[[np.random.Generator, int], Array] | None = None
    repeat: int = 1
    """Each row comes so often: one user, or one session."""


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one feature."""

    mean: float = 0.0
    spread: float = 1.0
    tail: float = 0.0
    """Share of rows that move by three standard deviations."""
    missing: float = 0.0
    new_category: float = 0.0
    """Share of rows with a category that the training never saw."""


NOTHING = Change()


@dataclass(frozen=True, slots=True)
class Counts:
    """Of each hour and feature: rows by bin [..., F, K], the last one for categories that the training did not list;
    missing values, and those that the training did not see [..., F].
    """

    bins: Array
    missing: Array
    unseen: Array

    def __getitem__(self, hours: slice) -> Counts:
        return Counts(self.bins[hours], self.missing[hours], self.unseen[hours])

    def __add__(self, later: Counts) -> Counts:
        pairs = ((self.bins, later.bins), (self.missing, later.missing), (self.unseen, later.unseen))
        return Counts(*(np.concatenate(pair) for pair in pairs))

    @property
    def rows(self) -> Array:
        """All rows [..., F]."""
        return np.asarray(self.bins.sum(axis=-1) + self.missing)

    def with_missing(self) -> Array:
        """Missing values as a bin of their own [..., F, K + 1]: for rules that know nothing else of them."""
        return np.concatenate([self.missing[..., None], self.bins], axis=-1)

    def over(self, width: int) -> Counts:
        """The sums of the last ``width`` hours, at each hour; an incomplete window is empty."""
        return Counts(*(summed(one, width) for one in (self.bins, self.missing, self.unseen)))


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The rows of the training, as far as hours matter: the bin of each number [NUMERIC, rows], and the hour of the
    week [rows].
    """

    bins: NDArray[np.int64]
    hours: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Month:
    """What a rule gets: the profile, quiet hours to learn from, and hours to judge. ``edges`` are the profile's."""

    reference: Counts
    quiet: Counts
    live: Counts
    edges: Array
    sample: Sample


def _day(rng: np.random.Generator, hours: int) -> Array:
    del rng
    return np.tile(0.3 * np.sin(2 * math.pi * np.arange(hours) / DAY)[:, None], MOVING)


def _week(rng: np.random.Generator, hours: int) -> Array:
    """Other people come at the weekend."""
    del rng
    return np.tile(0.3 * (np.arange(hours) % WEEK >= 5 * DAY)[:, None].astype(float), MOVING)


def _wandering(rng: np.random.Generator, hours: int) -> Array:
    """Noise of 0.15 standard deviations with a memory of three days: slower than what 30 quiet hours can teach."""
    keep = math.exp(-1.0 / 72.0)
    steps = 0.15 * rng.standard_normal((hours, MOVING))
    found = steps.copy()
    for hour in range(1, hours):
        found[hour] = keep * found[hour - 1] + math.sqrt(1.0 - keep**2) * steps[hour]
    return found


WORLDS: Mapping[str, World] = {
    "quiet": World(),
    "each row 5 times": World(repeat=5),
    "season of the day": World(_day),
    "season of the week": World(_week),
    "slow noise": World(_wandering),
}

CHANGES: Mapping[str, Change] = {
    "0.15 sd": Change(mean=0.15),
    "0.25 sd": Change(mean=0.25),
    "0.5 sd": Change(mean=0.5),
    "sd x 1.25": Change(spread=1.25),
    "tail": Change(tail=0.05),
    "new category": Change(new_category=0.05),
    "null flood": Change(missing=0.3),
}


def month(
    rng: np.random.Generator,
    world: World,
    *,
    rows: int,
    hours: int,
    quiet: int = 30,
    change: Change | None = None,
    before: int = 0,
) -> Month:
    """So many quiet hours, and hours to judge; with a ``change``, from the hour ``before`` on."""
    edges, reference, sample = profile(rng, world)
    shift = None if world.shift is None else world.shift(rng, quiet + hours)
    live = counts(rng, world, edges, hours=quiet + (before if change else hours), rows=rows, shift=shift)
    if change is not None:
        after = None if shift is None else shift[quiet + before :]
        live += counts(rng, world, edges, hours=hours - before, rows=rows, change=change, shift=after)
    return Month(reference, live[:quiet], live[quiet:], edges, sample)


def profile(
    rng: np.random.Generator, world: World, *, change: Change = NOTHING, rows: int = 10_000
) -> tuple[Array, Counts, Sample]:
    """Edges and counts of a training on four weeks of this world, after a ``change``.

    Counts of numbers are those between their own quantiles, so chance is in the edges.
    """
    values = rng.standard_normal((NUMERIC, rows))
    hours = rng.integers(0, 4 * WEEK, rows)
    if world.shift is not None:
        values[:MOVING] += world.shift(rng, 4 * WEEK)[hours].T
    values[NUMBER] = values[NUMBER] * change.spread + change.mean
    values[NUMBER] += 3.0 * (rng.random(rows) < change.tail)
    bins = np.zeros((FEATURES, _BINS))
    bins[:NUMERIC] = np.round(rows * np.diff([0.0, *LEVELS, 1.0]))
    bins[NUMERIC:, : len(CATEGORIES)] = rng.multinomial(rows, CATEGORIES, size=FEATURES - NUMERIC)
    edges = np.quantile(values, LEVELS, axis=1).T
    inside = np.stack([np.searchsorted(own, of, side="left") for own, of in zip(edges, values, strict=True)])
    return edges, Counts(bins, np.zeros(FEATURES), np.zeros(FEATURES)), Sample(inside, hours % WEEK)


def rhythm(month: Month) -> Rhythm:
    """How features follow the hours, as the profile of these rows says it."""
    starts, own, found = parts_of(month.sample.hours, MINIMUM_GROUP), [], []
    for index, bins in enumerate(month.sample.bins):
        one = rhythm_of(bins, month.sample.hours, starts, width=_BINS, smallest=MINIMUM_GROUP)
        if one is not None:
            own.append(index)
            found.append(one)
    counts = np.zeros((len(starts), len(own), _BINS))
    for row, one in enumerate(found):
        counts[:, row, : one.groups[-1] + 1] = one.counts
    part = np.searchsorted(np.array(starts), np.arange(WEEK), side="right") - 1
    groups = np.array([one.groups for one in found], dtype=np.int64).reshape(len(own), _BINS)
    return Rhythm(part, np.array(own, dtype=np.int64), groups, counts)


def counts(
    rng: np.random.Generator,
    world: World,
    edges: Array,
    *,
    hours: int,
    rows: int,
    change: Change = NOTHING,
    shift: Array | None = None,
) -> Counts:
    """What is counted between these edges in so many hours."""
    every = np.broadcast_to(_shares(edges, change, shift)[:hours], (hours, FEATURES, _BINS + 1))
    found = world.repeat * rng.multinomial(rows // world.repeat, every).astype(np.float64)
    unseen = np.zeros(found.shape[:-1])
    unseen[:, NUMERIC:] = found[:, NUMERIC:, len(CATEGORIES)]
    return Counts(found[..., :_BINS], found[..., _BINS], unseen)


def _shares(edges: Array, change: Change, shift: Array | None) -> Array:
    """Shares of the bins, and at the end of missing values [hours or 1, F, K + 1]."""
    hours = 1 if shift is None else len(shift)
    moved = np.repeat(edges[None], hours, axis=0)
    if shift is not None:
        moved[:, :MOVING] -= shift[:, :, None]
    moved[:, NUMBER] = (moved[:, NUMBER] - change.mean) / change.spread
    below = stats.norm.cdf(moved)
    below[:, NUMBER] += change.tail * (stats.norm.cdf(moved[:, NUMBER] - 3.0) - below[:, NUMBER])
    found = np.zeros((hours, FEATURES, _BINS + 1))
    found[:, :NUMERIC, :_BINS] = np.diff(below, axis=-1, prepend=0.0, append=1.0)
    found[:, NUMERIC:, : len(CATEGORIES)] = CATEGORIES
    found[:, CATEGORY, : len(CATEGORIES)] *= 1.0 - change.new_category
    found[:, CATEGORY, len(CATEGORIES)] = change.new_category
    found[:, NUMBER, :_BINS] *= 1.0 - change.missing
    found[:, NUMBER, _BINS] = change.missing
    return found


def summed(values: Array, width: int) -> Array:
    """Of each hour the sum of the last ``width`` hours; 0 while they are not over."""
    total = np.cumsum(np.concatenate([np.zeros((1, *values.shape[1:])), values]), axis=0)
    found = np.zeros_like(values)
    found[width - 1 :] = total[width:] - total[:-width]
    return found
