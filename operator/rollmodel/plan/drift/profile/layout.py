"""The profile as the model server shows it: which signals there are, in which bins, and what the training counted.

Prometheus answers with one series for each bin; here they are put side by side. Series of values are cumulative
(``le``), as histograms are. Pods say what they like, so what does not look like a profile of ours is refused: each
signal is computed with as if it had as many bins as the largest one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rollmodel.evidence.core.arrays import Array
from rollmodel.evidence.drift.performance import Calibration
from rollmodel.plan.drift.profile.rhythm import Rhythm, rhythm_of
from rollmodel.plan.drift.profile.signal import GROUPS, Key, Signal
from rollmodel.plan.problem import Problem
from rollmodel.text import plain

__all__ = ["MOST_CELLS", "MOST_COLUMNS", "MOST_ROWS", "MOST_TOGETHER", "Layout", "Points", "edge_of", "key_of"]

#: Series of an answer: labels, and (unix time, value) ascending.
Points = tuple[Mapping[str, str], Sequence[tuple[float, float]]]

#: More series than that are no profile of ours, nor are more columns (``rollmodel.profile`` allows 1,000 and a score).
MOST_CELLS, MOST_COLUMNS = 20_000, 1001
#: Signals times the bins of the largest one.
MOST_TOGETHER = 100_000
#: Characters of the name of a column, and of all names of columns and bins.
_LONGEST, _MOST_CHARACTERS = 320, 2_000_000
_DIGEST = 128
#: More rows than this no status takes.
MOST_ROWS = 2.0**53
_KINDS = ("le", "category", "group")


def key_of(labels: Mapping[str, str]) -> Key | None:
    """(signal, kind of the label, its value) of a series; None where it has none of them."""
    for kind in _KINDS:
        if labels.get(kind):
            return labels.get("signal", ""), kind, edge_of(labels[kind]) if kind == "le" else labels[kind]
    return None


def edge_of(text: str) -> str:
    """One spelling of each edge: Prometheus writes those of histograms anew when it scrapes them (-0.0 becomes 0.0, and
    -1234567.0 becomes -1.234567e+06), and leaves those of the profile, which are gauges, as they are.
    """
    try:
        edge = float(text) + 0.0
    except ValueError:
        return text
    return repr(edge) if math.isfinite(edge) else text


@dataclass(frozen=True, slots=True)
class Layout:
    """All signals; ``digest`` is that of the profile."""

    digest: str
    rows: int
    signals: tuple[Signal, ...]
    calibration: Calibration | None = None
    rhythm: Rhythm | None = None
    """How the columns follow the hours of the week; None where the profile has no times."""

    @classmethod
    def of(cls, series: Iterable[Points]) -> Layout | Problem:
        """From the answer to the query of the reference; what each series is, its label ``what`` says."""
        values: dict[str, dict[Any, float]] = {}
        for labels, points in series:
            key = _reference_key(labels)
            if points and key is not None:
                values.setdefault(labels.get("what", ""), {})[key] = points[-1][1]
        infos = values.get("info", {})
        if not infos:
            return _none(values.get("problem", {}))
        if len(infos) > 1:
            return Problem("ProfileMismatch", f"pods of one revision show {len(infos)} different profiles")
        rows = values.get("rows", {})
        if problem := _not_one(rows):
            return problem
        signals = tuple(_signals(rows, values.get("importance", {})))
        if not signals:
            return Problem("NoSeries", "the profile has no signals")
        rhythm = rhythm_of(signals, values.get("hours", {}), values.get("rhythm_group", {}), values.get("rhythm", {}))
        if isinstance(rhythm, Problem):
            return rhythm
        return cls(
            rhythm=rhythm,
            digest=plain(next(iter(infos)))[:_DIGEST],
            rows=int(max(signal.rows for signal in signals)),
            signals=signals,
            calibration=_calibration(signals, values.get("positives", {}), values.get("threshold", {})),
        )

    @property
    def keys(self) -> tuple[Key, ...]:
        """Of all cells: for each signal its bins, then missing, unseen and all rows; at the end the requests."""
        found: list[Key] = []
        for signal in self.signals:
            found += [*signal.bins, *((signal.name, "group", group) for group in GROUPS)]
        return (*found, ("", "group", "requests"))

    @property
    def width(self) -> int:
        """Bins of the signal that has most."""
        return max(len(signal.bins) for signal in self.signals)

    @property
    def shape(self) -> tuple[int, int]:
        """Signals, and bins of the signal that has most."""
        return len(self.signals), self.width

    def reference(self) -> Array:
        """What the training counted [S, K]."""
        found = np.zeros((len(self.signals), self.width))
        for row, signal in enumerate(self.signals):
            found[row, : len(signal.bins)] = signal.reference
        return found


_PROBLEMS = {
    "ProfileMissing": "the model has no profile.json (see `rollmodel profile`)",
    "ProfileVersion": "its profile.json has a format that the server does not read",
    "ProfileDigest": "its profile.json was edited by hand",
    "ProfileInvalid": "its profile.json is not valid",
}


def _none(reasons: Mapping[str, float]) -> Problem:
    """Why there is no profile."""
    if not reasons:
        told = "the stable revision shows no profile to Prometheus: is it served by the preset MLflow, and scraped?"
        return Problem("NoSeries", told)
    known = [reason for reason in _PROBLEMS if reason in reasons]
    reason = known[0] if known else "ProfileInvalid"
    return Problem(reason, f"the model server counts nothing: {_PROBLEMS[reason]}")


def _reference_key(labels: Mapping[str, str]) -> Any:
    match labels.get("what"):
        case "info":
            return labels.get("digest")
        case "problem":
            return labels.get("reason")
        case "importance" | "threshold":
            return labels.get("signal")
        case "hours":
            return labels.get("hours")
        case "rhythm":
            return labels.get("signal", ""), labels.get("first", ""), labels.get("counts", "")
        case _:
            return key_of(labels)


def _is_count(value: float) -> bool:
    return math.isfinite(value) and 0.0 <= value <= MOST_ROWS


def _is_edge(key: Key) -> bool:
    """Whether the upper end of a bin is a number, or infinite."""
    try:
        return key[1] != "le" or not math.isnan(float(key[2]))
    except ValueError:
        return False


def _not_one(rows: Mapping[Key, float]) -> Problem | None:
    """Why these are not the rows of a profile."""
    columns = Counter(key[0] for key in rows)
    together = len(columns) * max(columns.values(), default=0)
    for what, found, most in (
        ("bins", len(rows), MOST_CELLS),
        ("columns", len(columns), MOST_COLUMNS),
        ("columns times bins of the largest one", together, MOST_TOGETHER),
        ("characters in a name", max(map(len, columns), default=0), _LONGEST),
        ("characters in all names", sum(len(name) + len(value) for name, _, value in rows), _MOST_CHARACTERS),
    ):
        if found > most:
            return Problem("ProfileTooLarge", f"the profile has {found} {what}, {most} are read")
    if not all(map(_is_count, rows.values())) or not all(map(_is_edge, rows)):
        return Problem("ProfileInvalid", "the pods show a profile with edges or counts that are no numbers")
    return None


def _signals(rows: Mapping[Key, float], importance: Mapping[str, float]) -> Iterable[Signal]:
    columns: dict[str, dict[Key, float]] = {}
    for key, value in rows.items():
        columns.setdefault(key[0], {})[key] = value
    for name, own in sorted(columns.items()):
        cumulative = any(kind == "le" for _, kind, _ in own)
        bins = [key for key in own if key[1] == ("le" if cumulative else "category")]
        bins.sort(key=(lambda key: float(key[2])) if cumulative else (lambda key: (-rows[key], key[2])))
        counts = np.array([own[key] for key in bins])
        groups = [own.get((name, "group", group), 0.0) for group in GROUPS]
        yield Signal(
            name=name,
            bins=tuple(bins),
            reference=tuple((np.diff(counts, prepend=0.0) if cumulative else counts).tolist()),
            nulls=groups[0],
            unseen=groups[1],
            rows=groups[2],
            importance=importance.get(name, 1.0),
            cumulative=cumulative,
        )


def _calibration(
    signals: Sequence[Signal], positives: Mapping[Key, float], threshold: Mapping[str, float]
) -> Calibration | None:
    signal = next((one for one in signals if one.name == "prediction"), None)
    if signal is None or not positives or "prediction" not in threshold:
        return None
    counts = np.diff(np.array([positives.get(key, 0.0) for key in signal.bins]), prepend=0.0)
    above = np.array([float(key[2]) > threshold["prediction"] for key in signal.bins], dtype=np.float64)
    return Calibration(np.array(signal.reference), np.maximum(counts, 0.0), above)
