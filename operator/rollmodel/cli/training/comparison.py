"""Whether two runs came to the same: metric by metric, file by file. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rollmodel.errors import Invalid

__all__ = ["EXPECTED_TO_DIFFER", "Comparison", "FileRow", "MetricRow", "Tolerance", "compare"]

#: Files of a logged model that hold times and ids of their own, so that they differ from run to run.
EXPECTED_TO_DIFFER = frozenset({"MLmodel"})

#: What MLflow measures of the machine, which is not a result of the training.
_OF_THE_MACHINE = "system/"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The largest absolute difference of a metric: by name, else ``general``."""

    general: float = 0.0
    by_name: Mapping[str, float] = field(default_factory=dict)

    def of(self, metric: str) -> float:
        """For this metric."""
        return self.by_name.get(metric, self.general)


@dataclass(frozen=True, slots=True)
class MetricRow:
    """A final value in both runs; None where one did not log it."""

    name: str
    first: float | None
    rerun: float | None
    tolerance: float

    @property
    def difference(self) -> float | None:
        """Rerun minus first; 0 for two of the same that is not finite, and NaN for two that cannot be subtracted."""
        if self.first is None or self.rerun is None:
            return None
        same = self.first == self.rerun or (math.isnan(self.first) and math.isnan(self.rerun))
        return 0.0 if same else self.rerun - self.first

    @property
    def verdict(self) -> Literal["Same", "Within", "Differs", "Missing"]:
        """Whether it holds."""
        difference = self.difference
        if difference is None:
            return "Missing"
        if difference == 0:
            return "Same"
        # a decimal such as 0.1 is no binary number: a difference of exactly the tolerance must hold
        near = abs(difference) <= self.tolerance * (1 + 1e-9)
        return "Within" if near else "Differs"


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file of the logged model with its SHA-256 in both runs; None where one has no such file."""

    path: str
    first: str | None
    rerun: str | None

    @property
    def verdict(self) -> Literal["Same", "Expected", "Differs", "Missing"]:
        """Whether it is the same; ``Expected`` to differ from run to run."""
        if self.first is None or self.rerun is None:
            return "Missing"
        if self.first == self.rerun:
            return "Same"
        return "Expected" if self.path in EXPECTED_TO_DIFFER else "Differs"


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that was compared. ``hashes``: reproducibility hash of both; ``identical``: whether files count."""

    hashes: tuple[str | None, str | None]
    metrics: Sequence[MetricRow]
    files: Sequence[FileRow]
    identical: bool

    @property
    def failures(self) -> list[str]:
        """What does not hold, in words; empty if everything that was asked does."""
        found = []
        first, rerun = self.hashes
        if first is None or first != rerun:
            found.append("the reproducibility hash is not the same: something else than chance differs")
        if not self.metrics:
            found.append("no metric was logged, so there was nothing to compare")
        if wrong := [row.name for row in self.metrics if row.verdict not in {"Same", "Within"}]:
            found.append(f"not the same metrics: {', '.join(wrong)}")
        if self.identical and not self.files:
            found.append("no model was logged, so there were no files to compare")
        if self.identical and (wrong := [row.path for row in self.files if row.verdict in {"Differs", "Missing"}]):
            found.append(f"not the same files: {', '.join(wrong)}")
        return found


def compare(
    hashes: tuple[str | None, str | None],
    metrics: tuple[Mapping[str, float], Mapping[str, float]],
    files: tuple[Mapping[str, str], Mapping[str, str]],
    tolerance: Tolerance,
    *,
    identical: bool,
) -> Comparison:
    """Compare what the first run and its rerun came to. Invalid for a tolerance of a metric that neither logged."""
    names = sorted(name for name in {*metrics[0], *metrics[1]} if not name.startswith(_OF_THE_MACHINE))
    if unknown := sorted(set(tolerance.by_name) - set(names)):
        raise Invalid(f"there is a tolerance for {', '.join(unknown)}, but no such metric in either run")
    rows = [MetricRow(name, metrics[0].get(name), metrics[1].get(name), tolerance.of(name)) for name in names]
    paths = sorted({*files[0], *files[1]})
    return Comparison(
        hashes, rows, [FileRow(path, files[0].get(path), files[1].get(path)) for path in paths], identical
    )
