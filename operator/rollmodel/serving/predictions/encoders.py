"""How records become files: lines of JSON, there at once, or Parquet, there once the file is closed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from rollmodel.errors import Invalid
from rollmodel.serving.predictions.records import LONGEST_LINE, Record, to_line

__all__ = ["ENDINGS", "Encoder", "JsonLines", "Parquet", "open_encoder"]

#: Format -> how its files end.
ENDINGS = {"JSONLines": ".jsonl", "Parquet": ".parquet"}
#: Rows of a Parquet file that are written together; they wait in memory until then.
_GROUP_ROWS = 5_000
FEATURE = "feature:"


class Encoder(Protocol):
    """An open file. What raises OSError has not been written."""

    size: int
    """Bytes so far."""

    def add(self, records: Sequence[Record]) -> tuple[int, int]:
        """Take these: rows that are too large, and rows that were written now (some may wait until :meth:`close`)."""
        ...

    def close(self) -> int:
        """Finish the file: rows that were written now."""
        ...

    def abandon(self) -> int:
        """Forget the rows that were taken and are not written yet: how many."""
        ...


class JsonLines:
    """One line for each row."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        self.size = 0

    def add(self, records: Sequence[Record]) -> tuple[int, int]:
        """Take these rows."""
        lines = [to_line(record) for record in records]
        fitting = [line for line in lines if len(line) <= LONGEST_LINE]
        content = b"".join(fitting)
        try:
            written = os.write(self._file, content)
            while written < len(content):
                written += os.write(self._file, content[written:])
        except OSError:
            with contextlib.suppress(OSError):  # no half line stays
                os.ftruncate(self._file, self.size)
                os.lseek(self._file, self.size, os.SEEK_SET)
            raise
        self.size += len(content)
        return len(lines) - len(fitting), len(fitting)

    def close(self) -> int:
        """Finish the file."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)
        return 0

    def abandon(self) -> int:
        """Forget what waits."""
        return 0


class Parquet:
    """Columns ``id``, ``time``, ``revision``, ``score``, and ``feature:<name>`` for each feature.

    The columns and their types are those of the first rows; a text column takes all, and a number elsewhere is missing
    where it is none.
    """

    def __init__(self, path: Path) -> None:
        try:
            import pyarrow as pa  # noqa: PLC0415  pyarrow takes half a second, and only this needs it
            import pyarrow.parquet as pq  # noqa: PLC0415
        except ImportError as error:
            raise Invalid("Parquet needs pyarrow, which this image does not have", reason="Unsupported") from error
        self._pa, self._pq, self._path = pa, pq, path
        self._writer: Any = None
        self._schema: Any = None
        self._rows: list[Record] = []
        self.size = 0
        path.touch(0o640)

    def add(self, records: Sequence[Record]) -> tuple[int, int]:
        """Take these rows."""
        self._rows += records
        return 0, self._write() if len(self._rows) >= _GROUP_ROWS else 0

    def close(self) -> int:
        """Finish the file."""
        written = self._write() if self._rows else 0
        if self._writer is not None:
            self._writer.close()
            self.size = self._path.stat().st_size
        return written

    def abandon(self) -> int:
        """Forget what waits."""
        lost, self._rows = len(self._rows), []
        return lost

    def _write(self) -> int:
        if self._writer is None:
            self._schema = self._schema_of(self._rows)
            self._writer = self._pq.ParquetWriter(self._path, self._schema)
        self._writer.write_table(self._table(self._rows))
        self.size = self._path.stat().st_size
        written, self._rows = len(self._rows), []
        return written

    def _schema_of(self, rows: Sequence[Record]) -> Any:
        pa = self._pa
        names = list(dict.fromkeys(name for row in rows for name in row.features))
        fixed = [("id", pa.string()), ("time", pa.timestamp("ms", tz="UTC")), ("revision", pa.string())]
        features = [(f"{FEATURE}{name}", self._kind([row.features.get(name) for row in rows])) for name in names]
        return pa.schema([*fixed, ("score", self._kind([row.score for row in rows])), *features])

    def _kind(self, values: Sequence[Any]) -> Any:
        known = [value for value in values if value is not None]
        numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in known)
        if known and all(isinstance(value, bool) for value in known):
            return self._pa.bool_()
        return self._pa.float64() if numeric else self._pa.string()

    def _table(self, rows: Sequence[Record]) -> Any:
        values: dict[str, list[Any]] = {
            "id": [row.id for row in rows],
            "time": [datetime.fromtimestamp(row.time, UTC) for row in rows],
            "revision": [row.revision for row in rows],
            "score": [row.score for row in rows],
        }
        for name in self._schema.names[4:]:
            values[name] = [row.features.get(name.removeprefix(FEATURE)) for row in rows]
        fields = {field.name: field.type for field in self._schema}
        columns = [self._column(values[name], fields[name], fixed=index < 3) for index, name in enumerate(fields)]
        return self._pa.table(columns, schema=self._schema)

    def _column(self, values: list[Any], kind: Any, *, fixed: bool) -> Any:
        pa = self._pa
        if not fixed and kind == pa.float64():
            values = [_number(value) for value in values]
        elif not fixed and kind == pa.bool_():
            values = [value if isinstance(value, bool) else None for value in values]
        elif not fixed:
            values = [None if value is None or value != value else str(value) for value in values]  # noqa: PLR0124  NaN
        return pa.array(values, type=kind)


def _number(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None


def open_encoder(kind: str, path: Path) -> Encoder:
    """Begin a file. Raises OSError, and Invalid where the image cannot write this format."""
    return Parquet(path) if kind == "Parquet" else JsonLines(path)
