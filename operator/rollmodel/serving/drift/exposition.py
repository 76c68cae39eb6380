"""Counts as Prometheus sees them, and the profile's own beside them, under the same labels.

All series are there from the start, at 0: a series that is born with its first row hides that row from a difference.
The names are a contract with the operator (docs/concepts/drift.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from rollmodel.profile import FORMAT, Profile
from rollmodel.serving.drift.signals import GROUPS, PREDICTION, Signal

__all__ = ["Counting", "DriftMetrics", "ProfileProblem"]


#: Parts of the week in one label: about 1,000 characters at most, since stores of metrics limit them to 2,048.
_PARTS = 24


class Counting(Protocol):
    """Whoever has counted."""

    def counts(self) -> NDArray[np.int64]:
        """The cells of all signals, and at the end the rows that were not counted."""
        ...


class ProfileProblem(Collector):
    """Says why nothing is counted."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def collect(self) -> Iterator[Metric]:
        """A gauge that is 1, with the reason why rows are not counted."""
        problem = GaugeMetricFamily("rollmodel_profile_problem", "Why rows are not counted; 1.", labels=["reason"])
        problem.add_metric([self._reason], 1)
        yield problem


class DriftMetrics(Collector):
    """The counts of a recorder, and the profile."""

    def __init__(self, profile: Profile, signals: Sequence[Signal], recorder: Counting, *, left_out: int = 0) -> None:
        self._signals = signals
        self._recorder = recorder
        self._profile = list(_profile(profile, signals, left_out))

    def collect(self) -> Iterator[Metric]:
        """The profile's own counts, and those of the rows so far."""
        counts = self._recorder.counts()
        yield from self._profile
        values = HistogramMetricFamily(
            "rollmodel_signal_value", "Rows by value, in the profile's bins.", labels=["signal"]
        )
        categories = CounterMetricFamily(
            "rollmodel_signal_category_rows", "Rows by category.", labels=["signal", "category"]
        )
        groups = CounterMetricFamily(
            "rollmodel_signal_group_rows", "Rows: missing, unseen in training, all.", labels=["signal", "group"]
        )
        for signal in self._signals:
            cells = signal.cells(counts)
            if signal.column.kind == "numeric":
                cumulative = np.cumsum(cells[: signal.bins]).tolist()
                values.add_metric([signal.name], list(zip(signal.bounds(), cumulative, strict=True)), None)
            else:
                for category, count in zip(signal.categories(), cells.tolist(), strict=False):
                    categories.add_metric([signal.name, category], count)
            for group, count in zip(GROUPS, cells[signal.bins :].tolist(), strict=True):
                groups.add_metric([signal.name, group], count)
        lost = CounterMetricFamily("rollmodel_signal_uncounted_rows", "Rows that came too fast to be counted.")
        lost.add_metric([], int(counts[-1]))
        yield from (values, categories, groups, lost)


def _profile(profile: Profile, signals: Sequence[Signal], left_out: int) -> Iterator[Metric]:
    info = GaugeMetricFamily("rollmodel_profile_info", "The profile; always 1.", labels=["digest", "format"])
    info.add_metric([profile.digest, FORMAT], 1)
    yield info
    skipped = GaugeMetricFamily("rollmodel_profile_features_left_out", "Features that are not counted.")
    skipped.add_metric([], left_out)
    yield skipped
    labels = ["signal", "le", "category", "group"]
    rows = GaugeMetricFamily("rollmodel_profile_rows", "Rows of the profile, as rollmodel_signal_*.", labels=labels)
    importance = GaugeMetricFamily("rollmodel_profile_importance", "Importance of a feature.", labels=["signal"])
    for signal in signals:
        cells = signal.reference().tolist()
        if signal.column.kind == "numeric":
            for le, count in zip(signal.bounds(), np.cumsum(cells[: signal.bins]).tolist(), strict=True):
                rows.add_metric([signal.name, le, "", ""], count)
        else:
            for category, count in zip(signal.categories(), cells, strict=False):
                rows.add_metric([signal.name, "", category, ""], count)
        for group, count in zip(GROUPS, cells[signal.bins :], strict=True):
            rows.add_metric([signal.name, "", "", group], count)
        if signal.name != PREDICTION:
            importance.add_metric([signal.name], signal.column.importance)
    yield from (rows, importance)
    yield from _calibration(profile, signals)
    if profile.hours:
        yield from _rhythms(profile, signals)


def _rhythms(profile: Profile, signals: Sequence[Signal]) -> Iterator[Metric]:
    """Counts by parts of the week are texts in labels: as series of their own they would be ten times all others."""
    hours = GaugeMetricFamily("rollmodel_profile_hours", "First hours of the parts of the week; 1.", labels=["hours"])
    hours.add_metric([" ".join(map(str, profile.hours))], 1)
    groups = GaugeMetricFamily(
        "rollmodel_profile_rhythm_group",
        "The group of a bin in rollmodel_profile_rhythm.",
        labels=["signal", "le", "category"],
    )
    rhythm = GaugeMetricFamily(
        "rollmodel_profile_rhythm", "Rows of some parts of the week by group; 1.", labels=["signal", "first", "counts"]
    )
    for signal in signals:
        found = signal.column.rhythm
        if found is None:
            continue
        numeric = signal.column.kind == "numeric"
        for name, group in zip(signal.bounds() if numeric else signal.categories(), found.groups, strict=True):
            groups.add_metric([signal.name, name if numeric else "", "" if numeric else name], group)
        for first in range(0, len(found.counts), _PARTS):
            rows = (" ".join(map(str, row)) for row in found.counts[first : first + _PARTS])
            rhythm.add_metric([signal.name, str(first), ";".join(rows)], 1)
    yield from (hours, groups, rhythm)


def _calibration(profile: Profile, signals: Sequence[Signal]) -> Iterator[Metric]:
    score = profile.score
    if score is None or score.positives is None or score.threshold is None:
        return
    positives = GaugeMetricFamily(
        "rollmodel_profile_positives", "Rows whose label was positive.", labels=["signal", "le"]
    )
    bounds = next(signal.bounds() for signal in signals if signal.name == PREDICTION)
    for le, count in zip(bounds, np.cumsum(score.positives).tolist(), strict=True):
        positives.add_metric([PREDICTION, le], count)
    threshold = GaugeMetricFamily(
        "rollmodel_profile_threshold", "A score above it is a positive answer.", labels=["signal"]
    )
    threshold.add_metric([PREDICTION], score.threshold)
    yield from (positives, threshold)
