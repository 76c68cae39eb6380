"""Read a log back: JSON Lines and Parquet. What cannot be read is counted, not guessed."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rollmodel.errors import Invalid, NotFound
from rollmodel.serving.predictions.encoders import FEATURE
from rollmodel.serving.predictions.records import Record
from rollmodel.serving.sources import Source

__all__ = ["About", "LogFiles", "Unreadable", "read_about", "to_seconds"]

#: Lines, files and rows of Parquet that are handled together.
_TOGETHER = 20_000
_HOUR = re.compile(r"date=(\d{4}-\d\d-\d\d)/hour=(\d\d)/")
_ENDINGS = (".jsonl", ".jsonl.part", ".parquet")


@dataclass(slots=True)
class Unreadable:
    """What was there and could not be read."""

    files: int = 0
    lines: int = 0


@dataclass(frozen=True, slots=True)
class About:
    """What ``about.json`` says of the files below its folder."""

    model: str
    revision: str
    profile: Mapping[str, Any] | None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


def read_about(text: bytes) -> About:
    """Raises Invalid where this release does not read it."""
    try:
        content = json.loads(text)
        if content["format"] != "rollmodel-predictions/1":
            raise Invalid(f"about.json has format {str(content['format'])[:60]!r}", reason="LogVersion")
        return About(
            model=str(content["model"]),
            revision=str(content["revision"]),
            profile=content["profile"],
            include=tuple(map(str, content["includeColumns"])),
            exclude=tuple(map(str, content["excludeColumns"])),
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Invalid("about.json cannot be read", reason="LogInvalid") from error


@dataclass(slots=True)
class LogFiles:
    """The files of a store. ``since``, unix seconds: older files, as their folders say, are left out."""

    source: Source
    since: float = 0.0
    unreadable: Unreadable = field(default_factory=Unreadable)
    _paths: Sequence[str] | None = None

    def abouts(self) -> Iterator[About]:
        """One for each revision of the log."""
        for path in self._all():
            if path == "about.json" or path.endswith("/about.json"):
                yield read_about(self._content(path))

    def records(self) -> Iterator[list[Record]]:
        """Rows, some thousands at a time."""
        for path, content in self._contents(lambda path: path.endswith(_ENDINGS) and not self._is_old(path)):
            yield from self._parquet(content) if path.endswith(".parquet") else self._lines(content)

    def find(self, name: str) -> Record | None:
        """The row with this id, which is that of its request with ``:<row>`` where that had several; None without."""
        wanted = name.encode()
        for path, content in self._contents(lambda path: path.endswith(_ENDINGS)):
            rows: Iterator[list[Record]] = iter(())
            if path.endswith(".parquet"):
                rows = self._parquet(content)
            elif wanted in content:
                rows = self._lines(b"\n".join(line for line in content.splitlines() if wanted in line))
            found = next((row for part in rows for row in part if row.id in {name, f"{name}:0"}), None)
            if found is not None:
                return found
        return None

    def lines(self) -> Iterator[dict[str, Any]]:
        """Objects of all files of JSON lines, whatever they say."""
        endings = (".jsonl", ".json", ".ndjson")
        for _, content in self._contents(lambda path: path.endswith(endings) and not path.endswith("about.json")):
            yield from self._objects(content)

    def _all(self) -> Sequence[str]:
        if self._paths is None:
            self._paths = sorted(file.path for file in self.source.list())
        return self._paths

    def _contents(self, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
        """Files and what is in them; those that were deleted, or renamed from .part, since they were listed, count."""
        for path in filter(wanted, self._all()):
            try:
                content = self._content(path)
            except (OSError, NotFound):
                self.unreadable.files += 1
                continue
            yield path, content

    def _content(self, path: str) -> bytes:
        with self.source.open(path, 0) as body:
            return b"".join(body.chunks)

    def _is_old(self, path: str) -> bool:
        found = _HOUR.search(path)
        if found is None:
            return False
        begin = datetime.fromisoformat(f"{found[1]}T{found[2]}:00:00+00:00").timestamp()
        return begin + 2 * 3600 <= self.since  # a file may go on into the next hour

    def _objects(self, content: bytes) -> Iterator[dict[str, Any]]:
        for line in content.splitlines():
            try:
                found = json.loads(line)
            except (ValueError, RecursionError):
                found = None
            if isinstance(found, dict):
                yield found
            else:
                self.unreadable.lines += 1

    def _lines(self, content: bytes) -> Iterator[list[Record]]:
        rows: list[Record] = []
        for one in self._objects(content):
            try:
                moment, features = to_seconds(one["time"]), {**one["features"]}
                rows.append(Record(str(one["id"]), moment, str(one["revision"]), one["score"], features))
            except (KeyError, TypeError, ValueError):
                self.unreadable.lines += 1
            if len(rows) >= _TOGETHER:
                yield rows
                rows = []
        yield rows

    def _parquet(self, content: bytes) -> Iterator[list[Record]]:
        import pyarrow as pa  # noqa: PLC0415  only where it is used
        import pyarrow.parquet as pq  # noqa: PLC0415

        try:
            file = pq.ParquetFile(io.BytesIO(content))
            for batch in file.iter_batches(_TOGETHER):
                names = [name for name in batch.schema.names if name.startswith(FEATURE)]
                columns = {name: batch.column(name).to_pylist() for name in batch.schema.names}
                features = [
                    dict(zip((name.removeprefix(FEATURE) for name in names), row, strict=True))
                    for row in zip(*(columns[name] for name in names), strict=True)
                ]
                features = features or [{} for _ in range(batch.num_rows)]
                yield [
                    Record(str(one), moment.timestamp(), str(revision), score, row)
                    for one, moment, revision, score, row in zip(
                        columns["id"], columns["time"], columns["revision"], columns["score"], features, strict=True
                    )
                ]
        except (pa.ArrowInvalid, KeyError, AttributeError):
            self.unreadable.files += 1


def to_seconds(moment: Any) -> float:
    """Unix seconds of a time as text, UTC where it names no zone. Raises ValueError, TypeError."""
    found = datetime.fromisoformat(moment)
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()
