"""Reads a range answer of Prometheus while it arrives, series by series: what is kept is 16 bytes for each point.

Read as a whole, an answer of 31 MiB took 20 times as much memory, and two of them ended the operator. The grammar is
left to ``json``: this module only walks the three objects that lie around the series.
"""

from __future__ import annotations

import codecs
import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, overload

from rollmodel.errors import Untrustworthy
from rollmodel.ports.prometheus import Series

__all__ = ["SERIES_LIMIT", "Points", "read_matrix"]

#: The most series that are read. A histogram of 16 buckets in two arms of 1,000 pods each is 34,000.
SERIES_LIMIT = 50_000
_SHOWN = 300
_DECODER = json.JSONDecoder()
_SPACE = " \t\r\n"


class Points(Sequence[tuple[float, float]]):
    """(unix time, value) of one series, in two arrays of doubles."""

    __slots__ = ("_times", "_values")

    def __init__(self, points: Iterable[tuple[Any, Any]]) -> None:
        self._times, self._values = array("d"), array("d")
        for time, value in points:
            self._times.append(float(time))
            self._values.append(float(value))

    def __len__(self) -> int:
        return len(self._times)

    def __iter__(self) -> Iterator[tuple[float, float]]:
        return zip(self._times, self._values, strict=True)

    @overload
    def __getitem__(self, index: int) -> tuple[float, float]: ...

    @overload
    def __getitem__(self, index: slice) -> Points: ...

    def __getitem__(self, index: int | slice) -> tuple[float, float] | Points:
        if isinstance(index, slice):
            return Points(zip(self._times[index], self._values[index], strict=True))
        return self._times[index], self._values[index]

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it is equal to lists, which have none

    def __repr__(self) -> str:
        return f"Points({list(self)!r})"


def read_matrix(chunks: Iterable[bytes]) -> list[Series]:
    """The series of a whole answer. Raises Untrustworthy for any other, and what ``chunks`` raises."""
    reader = _Reader(chunks)
    series = _Collected()

    def data() -> dict[str, Any]:
        return dict(_members(reader, {"result": lambda: _items(reader, series)}))

    try:
        document = dict(_members(reader, {"data": data}))
        if document:
            reader.end()
    except (ValueError, RecursionError):
        raise Untrustworthy("what answered is not Prometheus' API") from None
    _check(document)
    result: object = document["data"].get("result")
    if series.odd or result is not series:
        raise Untrustworthy("Prometheus' answer holds something else than series of numbers")
    return series.found


def _check(document: Mapping[str, Any]) -> None:
    """Whether the answer may become evidence, as far as what lies around the series tells."""
    if document.get("status") != "success":
        raise Untrustworthy("what answered is not Prometheus' API")
    if warnings := document.get("warnings"):
        texts = warnings if isinstance(warnings, list) else [warnings]
        raise Untrustworthy(f"Prometheus warns: {'; '.join(map(str, texts))[:_SHOWN]}")
    if document.get("isPartial"):
        raise Untrustworthy("the answer is partial (`isPartial`): some of VictoriaMetrics' storage nodes are missing")
    data = document.get("data")
    kind = data.get("resultType") if isinstance(data, dict) else None
    if kind != "matrix":
        raise Untrustworthy(f"Prometheus' answer is a {str(kind)[:_SHOWN]}, not a matrix")


class _Collected:
    """Collects series; words that come again and again are kept once. ``odd``: something was no series."""

    def __init__(self) -> None:
        self.found: list[Series] = []
        self.odd = False
        self._words: dict[str, str] = {}

    def add(self, entry: Any) -> None:
        """Raises Untrustworthy where there are too many."""
        if len(self.found) >= SERIES_LIMIT:
            raise Untrustworthy(f"Prometheus' answer has more than {SERIES_LIMIT:,} series: ask for fewer")
        try:
            labels = {self._once(name): self._once(value) for name, value in entry["metric"].items()}
            self.found.append(Series(labels, Points(entry["values"])))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            self.odd = True

    def _once(self, word: str) -> str:
        return self._words.setdefault(word, word)


class _Reader:
    """A text of which only as much is held as is not understood yet."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._text = ""
        self._at = 0

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _SPACE:
                    return self._text[self._at]
                self._at += 1
            if not self._more():
                return ""

    def take(self, expected: str) -> None:
        """Go on behind this character. Raises ValueError if another comes."""
        if self.peek() != expected:
            raise ValueError(expected)
        self._at += 1

    def end(self) -> None:
        """Raises ValueError if anything but spaces follows."""
        if rest := self.peek():
            raise ValueError(rest)

    def value(self) -> Any:
        """The next value. Raises ValueError where there is none, or only a part of one."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except ValueError:
                if not self._more():
                    raise
                continue
            if end < len(self._text) or not self._more():  # a number could go on
                self._at = end
                return value

    def _more(self) -> bool:
        """Read on, at least as much as is held already: what is long is tried again seldom."""
        self._text, self._at = self._text[self._at :], 0
        wanted, parts = max(1, len(self._text)), []
        for chunk in self._chunks:
            parts.append(self._decode(chunk))
            wanted -= len(chunk)
            if wanted <= 0:
                break
        if not parts:
            return False
        self._text += "".join(parts)
        return True


def _members(reader: _Reader, within: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names and values of an object; the values of ``within`` are read by its functions."""
    if reader.peek() != "{":
        return
    reader.take("{")
    while reader.peek() != "}":
        name = reader.value()
        reader.take(":")
        read = within.get(name) if isinstance(name, str) else None
        yield name, read() if read and reader.peek() in "{[" else reader.value()
        if reader.peek() != "}":
            reader.take(",")
    reader.take("}")


def _items(reader: _Reader, series: _Collected) -> Any:
    """The series of an array, or whatever else stands there."""
    if reader.peek() != "[":
        return reader.value()
    reader.take("[")
    while reader.peek() != "]":
        series.add(reader.value())
        if reader.peek() != "]":
            reader.take(",")
    reader.take("]")
    return series
