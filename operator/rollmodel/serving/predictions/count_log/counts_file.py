"""The counts of a revision as a file: compressed JSON that the operator reads from a ConfigMap.

``{"format": "rollmodel-counts/1", "model", "revision", "stepSeconds", "labels": {...}, "reference": [[labels, value],
...], "ends": [unix seconds, ...], "counts": [[labels, [a value for each end]], ...], "outcomes": as counts}``
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rollmodel.errors import Invalid
from rollmodel.serving.predictions.count_log.counting import Labelled, StepCounts

__all__ = ["ENDING", "FORMAT", "LARGEST_BYTES", "MOST_VALUES", "counts_files"]

FORMAT = "rollmodel-counts/1"
ENDING = ".json.gz"
#: What a ConfigMap holds, with room for its other parts.
LARGEST_BYTES = 900_000
#: Numbers that the operator reads, in all: those of a small log have many zeros, which take no room in a file.
MOST_VALUES = 3_000_000
#: Part of the steps that stays when all of them are too large.
_SHRINK = 0.75


def counts_files(
    counted: Mapping[str, StepCounts], *, model: str, labels: Mapping[str, int], most_steps: int
) -> dict[str, bytes]:
    """Revision -> content, together at most :data:`LARGEST_BYTES`: the oldest steps go first. Raises Invalid."""
    content = {name: _content(name, one, model=model, labels=labels) for name, one in counted.items()}
    series = max((len(one["counts"]) + len(one["outcomes"]) for one in content.values()), default=0)
    steps = min(most_steps, max(1, MOST_VALUES // max(1, series)))
    while steps >= 1:
        found = {name: _compressed(one, steps) for name, one in content.items()}
        if sum(map(len, found.values())) <= LARGEST_BYTES:
            return found
        steps = int(min(steps, max(len(one["ends"]) for one in content.values())) * _SHRINK)
    raise Invalid("the counts of one step do not fit into a ConfigMap: watch fewer features", reason="CountsTooLarge")


def _content(revision: str, counted: StepCounts, *, model: str, labels: Mapping[str, int]) -> dict[str, Any]:
    ends = counted.ends()
    return {
        "format": FORMAT,
        "model": model,
        "revision": revision,
        "stepSeconds": counted.step,
        "labels": dict(labels),
        "reference": [[one, value] for one, value in counted.reference()],
        "ends": ends,
        "counts": list(_series(counted.counts(end) for end in ends)),
        "outcomes": list(_series(counted.outcomes(end) for end in ends)),
    }


def _compressed(content: Mapping[str, Any], steps: int) -> bytes:
    """With the newest steps only."""
    newest = {name: [[labels, values[-steps:]] for labels, values in content[name]] for name in ("counts", "outcomes")}
    text = json.dumps({**content, **newest, "ends": content["ends"][-steps:]}, separators=(",", ":"))
    return gzip.compress(text.encode(), mtime=0)


def _series(steps: Iterable[Iterator[Labelled]]) -> Iterator[list[Any]]:
    """The same series in each step, side by side."""
    table: list[Sequence[Labelled]] = [list(step) for step in steps]
    for row in zip(*table, strict=True):
        yield [dict(row[0][0]), [int(value) for _, value in row]]
