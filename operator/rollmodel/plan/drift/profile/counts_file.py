"""Counts that a Job wrote: turned into the series that Prometheus would have answered, so that all else is the same.

The format is that of :mod:`rollmodel.serving.predictions.count_log.counts_file`. Whoever may write the ConfigMap may
write anything, so what is read is bounded and checked.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rollmodel.plan.drift.evaluation.history import OUTCOMES, History, too_many
from rollmodel.plan.drift.profile.layout import MOST_CELLS, Layout, Points
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.problem import Problem
from rollmodel.plan.times import stamp
from rollmodel.text import plain

__all__ = ["history_of"]

FORMAT = "rollmodel-counts/1"
_ENDING = ".json.gz"
_MOST_BYTES = 32 * 2**20
_MOST_STEPS = 20_000
#: What the parsed content may take, in bytes, and about how much each character that begins a value brings.
_MOST_MEMORY = 192 * 2**20
_MEMORY = {b"{": 240, b"[": 72, b",": 40, b'"': 30}


class _TooLargeError(ValueError):
    """More than is read."""


def history_of(
    manifest: Manifest | None, name: str, revision: str, *, step: int, at: float, since: float, all_labels: bool = False
) -> History | Problem:
    """The counts of a revision in a ConfigMap, of the steps that end after ``since`` and up to ``at``.

    With ``all_labels`` what turned out to be true is of all steps. What is wrong, where they cannot be. Times in unix
    seconds.
    """
    if manifest is None:
        return Problem("CountsMissing", f"there is no ConfigMap {name!r} in this namespace")
    packed = (manifest.get("binaryData") or {}).get(f"{revision}{_ENDING}")
    if packed is None:
        return Problem("CountsMissing", f"ConfigMap {name!r} has no counts of revision {revision}")
    try:
        content = _content(packed)
        return _mismatch(content, step) or _history(content, name, since, at, all_labels=all_labels)
    except _TooLargeError:
        told = f"the counts in ConfigMap {name!r} are more than is read: let the Job keep fewer steps (`--steps`)"
        return Problem("CountsTooLarge", told)
    except (KeyError, TypeError, ArithmeticError, ValueError, AttributeError, RecursionError, zlib.error):
        return Problem("CountsInvalid", f"the counts in ConfigMap {name!r} cannot be read")


def _mismatch(content: Mapping[str, Any], step: int) -> Problem | None:
    if content["format"] != FORMAT:
        return Problem("CountsVersion", f"the counts have format {str(content['format'])[:40]!r}, not {FORMAT!r}")
    if content["stepSeconds"] != step:
        found = plain(str(content["stepSeconds"])[:10])
        return Problem("CountsStep", f"the counts have steps of {found} s, `stepSeconds` is {step}")
    return None


def _history(content: Mapping[str, Any], name: str, since: float, at: float, *, all_labels: bool) -> History | Problem:
    ends = [_whole(one) for one in content["ends"]]
    layout = Layout.of(_series(content["reference"], [ends[-1] if ends else 0]))
    if isinstance(layout, Problem):
        return layout
    if round(at) not in ends:
        until = stamp(datetime.fromtimestamp(ends[-1], UTC)) if ends else "never"
        return Problem("CountsStale", f"ConfigMap {name!r} has counts until {until}: did its Job run?")
    skip = sum(end <= since for end in ends)
    scores = next((len(signal.bins) for signal in layout.signals if signal.name == "prediction"), 0)
    if problem := too_many(layout, len(ends) - skip, outcomes=len(ends) * scores * len(OUTCOMES)):
        return problem
    counts, outcomes = (
        _series(content["counts"], ends, skip),
        _series(content["outcomes"], ends, not all_labels and skip),
    )
    return History(layout).with_answer(counts).with_outcomes(outcomes)


def _content(packed: str) -> dict[str, Any]:
    reader = zlib.decompressobj(wbits=31)
    text = reader.decompress(base64.b64decode(packed, validate=True), _MOST_BYTES)
    if reader.unconsumed_tail or sum(text.count(begin) * size for begin, size in _MEMORY.items()) > _MOST_MEMORY:
        raise _TooLargeError
    if not reader.eof:
        raise ValueError("cut")
    found = json.loads(text)
    if not isinstance(found, dict):
        raise TypeError("not an object")
    return found


def _series(content: Sequence[Any], ends: Sequence[int], skip: int = 0) -> Iterator[Points]:
    """Each series: labels, and a value for each end, or one value; without the first ``skip`` ends."""
    if len(content) > MOST_CELLS or len(ends) > _MOST_STEPS:
        raise ValueError("too many")
    for labels, given in content:
        values = given if isinstance(given, list) else [given]
        if len(values) != len(ends) or not all(isinstance(one, str) for one in labels.values()):
            raise ValueError("not a series")
        newest = zip(ends[skip:], values[skip:], strict=True)
        yield dict(labels), [(float(end), _count(value)) for end, value in newest]


def _count(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("not a count")
    return float(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**40:
        raise ValueError("not a time")
    return value
