"""What turned out to be true, by the id of the prediction: CSV or Parquet files with two columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rollmodel.errors import Invalid
from rollmodel.serving.sources import Source

__all__ = ["Labels", "read_labels"]

_MEANING = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}


@dataclass(slots=True)
class Labels:
    """Labels by id, and what is wrong with them. Each is used once."""

    known: dict[str, bool] = field(default_factory=dict)
    contradictory: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    duplicate: int = 0
    invalid: int = 0
    repeated: int = 0
    """Rows of the log with an id whose label was used for an earlier row."""

    def add(self, name: str, value: Any) -> None:
        """Take a label. One that contradicts another makes the id unusable."""
        meaning = _MEANING.get(str(value).strip().lower())
        if meaning is None or not name:
            self.invalid += 1
        elif name in self.contradictory:
            self.duplicate += 1
        elif name not in self.known:
            self.known[name] = meaning
        else:
            self.duplicate += 1
            if self.known[name] != meaning:
                del self.known[name]
                self.contradictory.add(name)

    def of(self, name: str) -> bool | None:
        """The label of a row of the log; None where there is none that can be trusted."""
        if name in self.used:
            self.repeated += 1
            return None
        found = self.known.get(name)
        if found is not None:
            self.used.add(name)
        return found

    @property
    def tally(self) -> dict[str, int]:
        """For people: what became of the labels."""
        return {
            "used": len(self.used),
            "duplicate": self.duplicate,
            "contradictory": len(self.contradictory),
            "unknown": len(self.known) - len(self.used),
            "invalid": self.invalid,
            "repeated": self.repeated,
        }


def read_labels(sources: Iterable[Source], *, id_column: str = "id", label_column: str = "label") -> Labels:
    """All labels of these files. Raises Invalid for a file without the columns."""
    labels = Labels()
    for source in sources:
        for file in source.list():
            with source.open(file.path, 0) as body:
                content = b"".join(body.chunks)
            for name, value in _pairs(file.path, content, (id_column, label_column)):
                labels.add(name, value)
    return labels


def _pairs(path: str, content: bytes, columns: tuple[str, str]) -> Iterator[tuple[str, Any]]:
    if path.endswith(".parquet"):
        yield from _of_parquet(path, content, columns)
    elif path.endswith(".csv"):
        yield from _of_csv(path, content, columns)
    else:
        raise Invalid(f"labels are in .csv or .parquet files, not in {path}", reason="LabelsInvalid")


def _of_csv(path: str, content: bytes, columns: tuple[str, str]) -> Iterator[tuple[str, Any]]:
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig")), skipinitialspace=True)
        _require(path, reader.fieldnames or (), columns)
        for row in reader:
            yield (row[columns[0]] or "").strip(), row[columns[1]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise Invalid(f"{path} is not CSV in UTF-8", reason="LabelsInvalid") from error


def _of_parquet(path: str, content: bytes, columns: tuple[str, str]) -> Iterator[tuple[str, Any]]:
    import pyarrow as pa  # noqa: PLC0415  only where it is used
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        file = pq.ParquetFile(io.BytesIO(content))
        _require(path, file.schema_arrow.names, columns)
        for batch in file.iter_batches(50_000, columns=list(columns)):
            names, values = (batch.column(one).to_pylist() for one in columns)
            for name, value in zip(names, values, strict=True):
                yield "" if name is None else str(name), value
    except pa.ArrowInvalid as error:
        raise Invalid(f"{path} is not Parquet", reason="LabelsInvalid") from error


def _require(path: str, names: Iterable[str], columns: tuple[str, str]) -> None:
    there = list(names)
    for column in columns:
        if column not in there:
            shown = ", ".join(map(str, there[:20]))
            raise Invalid(f"{path} has no column {column!r}; it has {shown}", reason="LabelsInvalid")
