"""Answers are read as they arrive: the same as ``json`` would read, with a twentieth of the memory."""

from __future__ import annotations

import asyncio
import json
import math
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from rollmodel.adapters.prometheus import answer as module
from rollmodel.adapters.prometheus import client
from rollmodel.adapters.prometheus.answer import Points, read_matrix
from rollmodel.adapters.prometheus.client import Prometheus
from rollmodel.errors import Untrustworthy
from rollmodel.ports.prometheus import Series

from tests.support.servers.web import serve

words = st.text(max_size=8)
numbers = st.one_of(st.floats(allow_nan=False, width=32), st.sampled_from([math.inf, -math.inf]))
series = st.builds(
    lambda labels, points: {"metric": labels, "values": [[time, repr(value)] for time, value in points]},
    st.dictionaries(words, words, max_size=4),
    st.lists(st.tuples(st.floats(0, 2e9, width=32), numbers), max_size=5),
)


def answer(result: Any, **extra: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": "matrix", "result": result}, **extra}


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


@given(st.lists(series, max_size=4), st.integers(1, 70), st.sampled_from([None, 1]), st.booleans(), st.booleans())
def test_it_reads_what_json_reads(
    result: list[dict[str, Any]], size: int, indent: int | None, ascii_only: bool, first: bool
) -> None:
    """In whatever pieces and order it comes, and with whatever spaces."""
    document: dict[str, Any] = answer(result, stats={"n": [1, {"data": 2}]})
    if first:
        document = dict(reversed(document.items()))
        document["data"] = dict(reversed(document["data"].items()))
    body = json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    expected = [Series(one["metric"], [(float(t), float(v)) for t, v in one["values"]]) for one in result]
    assert read_matrix(pieces(body, size)) == expected


@given(st.integers(0, 200), st.integers(1, 50))
def test_a_part_of_an_answer_is_no_answer(end: int, size: int) -> None:
    body = json.dumps(answer([{"metric": {"a": "b"}, "values": [[1, "2"], [3, "4"]]}])).encode()
    with pytest.raises(Untrustworthy):
        read_matrix(pieces(body[: min(end, len(body) - 1)], size))


@pytest.mark.parametrize("body", ["{}x", '{"status": "success"} {}', '{"a" 1}', '{"a": 1 "b": 2}', "[" * 100_000])
def test_what_is_no_json_is_refused(body: str) -> None:
    with pytest.raises(Untrustworthy, match="not Prometheus' API"):
        read_matrix([body.encode()])


def test_warnings_behind_the_series_are_heard() -> None:
    body = json.dumps(answer([{"metric": {}, "values": [[1, "2"]]}], warnings=["partial response"])).encode()
    with pytest.raises(Untrustworthy, match="partial response"):
        read_matrix([body])


def test_too_many_series_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SERIES_LIMIT", 2)
    one = {"metric": {}, "values": [[1, "2"]]}
    assert len(read_matrix([json.dumps(answer([one] * 2)).encode()])) == 2
    with pytest.raises(Untrustworthy, match="more than 2 series: ask for fewer"):
        read_matrix([json.dumps(answer([one] * 3)).encode()])


def test_points_are_a_sequence() -> None:
    points = Points([(1, "2"), (3.5, "NaN"), (5, "+Inf")])
    assert (len(points), points[0], points[-1], list(points[:1])) == (3, (1.0, 2.0), (5.0, math.inf), [(1.0, 2.0)])
    assert Points([(1, 2)]) == [(1.0, 2.0)]
    assert Points([(1, 2)]) != [(1.0, 3.0)]


def large(megabytes: float) -> Iterator[bytes]:
    """A histogram of many pods, as the history query has it."""
    yield b'{"status":"success","data":{"resultType":"matrix","result":['
    points = ",".join(f'[{1_767_225_600 + 10 * tick}.000,"{123456 + tick}"]' for tick in range(1080))
    for number in range(int(megabytes * 2**20 / len(points))):
        labels = f'{{"pod":"churn-bbbbbbbb-{number // 17}","rollmodel_dev_revision":"bbbbbbbb","le":"{number % 17}"}}'
        yield f'{"," if number else ""}{{"metric":{labels},"values":[{points}]}}'.encode()
    yield b"]}}"


def test_little_more_is_held_than_the_numbers_themselves() -> None:
    tracemalloc.start()
    try:
        found = read_matrix(large(4))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    points = sum(len(one.points) for one in found)
    assert points > 100_000
    assert peak < points * 16 * 1.3 + 2**20


async def test_large_answers_are_read_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small ones are not kept waiting."""
    monkeypatch.setattr(client, "LARGE", 1000)
    reading, most = 0, 0
    go_on, all_there = asyncio.Event(), asyncio.Event()
    asked: list[str] = []

    def counted(chunks: Iterator[bytes]) -> list[Series]:
        nonlocal reading, most
        for size, _ in enumerate(chunks):
            if size == 1:
                reading += 1
                most = max(most, reading)
        reading -= size > 0
        return []

    monkeypatch.setattr(client, "_CHUNK", 1000)
    monkeypatch.setattr(client, "read_matrix", counted)

    async def respond(request: web.Request) -> web.StreamResponse:
        name = request.query["query"]
        asked.append(name)
        if len(asked) == 3:
            all_there.set()
        if name == "small":
            return web.Response(body=b"x" * 10)
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x" * 5000)
        await go_on.wait()
        await response.write(b"x" * 5000)
        return response

    async with serve(respond) as server, asyncio.timeout(20):
        prometheus = Prometheus(server.url, timeout=10)
        try:
            several = [asyncio.create_task(prometheus.query_range("big", start=0, end=1, step=1)) for _ in range(3)]
            await all_there.wait()
            assert await prometheus.query_range("small", start=0, end=1, step=1) == []
            go_on.set()
            await asyncio.gather(*several)
        finally:
            prometheus.close()
    assert most == 1
