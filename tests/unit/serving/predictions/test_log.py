"""Rows are written: ids, columns, formats, rotation; and a log that cannot be written harms nobody."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from rollmodel.errors import Invalid
from rollmodel.serving.predictions import identity
from rollmodel.serving.predictions.config import VARIABLE, LogConfig, configured
from rollmodel.serving.predictions.files import Bucket, OpenFile, Shelf, open_shelf
from rollmodel.serving.predictions.log import PredictionLog
from rollmodel.serving.predictions.tally import LogMetrics, Tally

Start = Callable[..., tuple[PredictionLog, Tally]]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.setattr("rollmodel.serving.predictions.log.COLLECT_SECONDS", 0.0)
    begun: list[PredictionLog] = []

    def start(shelf: Shelf | None = None, **fields: Any) -> tuple[PredictionLog, Tally]:
        config = LogConfig(**{"to": str(tmp_path), "model": "churn", "revision": "r1", **fields})
        tally = Tally()
        begun.append(PredictionLog(config, shelf or open_shelf(config), tally, names=["a", "b"]))
        return begun[-1], tally

    yield start
    for log in begun:
        log.close()


def ask(log: PredictionLog, data: Any, answer: Any, name: str = "p1") -> None:
    identity.current.set(name)
    log.after(log.before(data), answer)


def lines(folder: Path) -> list[dict[str, Any]]:
    files = sorted(folder.glob("churn/r1/date=*/hour=*/*.jsonl*"))
    return [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]


TABLE = pd.DataFrame({"age": [40.0, np.nan], "plan": ["gold", None], "seen": [True, False], "n": [1, 2]})


def test_each_row_is_a_line(start: Start, tmp_path: Path) -> None:
    log, tally = start()
    ask(log, TABLE, np.array([[0.7, 0.3], [0.2, 0.8]]), "batch")
    ask(log, TABLE.head(1), [0.5], "single")
    log.wait()
    first, second, third = lines(tmp_path)
    assert (first["id"], second["id"], third["id"]) == ("batch:0", "batch:1", "single")
    assert first["features"] == {"age": 40.0, "plan": "gold", "seen": True, "n": 1}
    assert second["features"] == {"age": None, "plan": None, "seen": False, "n": 2}
    assert (first["score"], second["score"], third["score"]) == (0.3, 0.8, 0.5)
    assert first["revision"] == "r1"
    assert first["time"].endswith("+00:00")
    assert set(first) == {"id", "time", "revision", "score", "features"}
    assert tally.total()["written"] == 3
    assert tally.total()["bytes"] == sum(path.stat().st_size for path in tmp_path.rglob("*.part"))


@pytest.mark.parametrize(
    ("data", "answer", "expected"),
    [
        (np.array([[1.0, np.inf]]), [0.5], ({"a": 1.0, "b": "inf"}, 0.5)),
        (np.array([[1.0, 2.0, 3.0]]), ["yes"], ({"0": 1.0, "1": 2.0, "2": 3.0}, "yes")),
        ({"a": np.array([1]), "b": ["x"]}, np.array([1]), ({"a": 1, "b": "x"}, 1)),
        (["a text"], [{"answer": 1}], ({"0": "a text"}, {"answer": 1})),
        (pd.DataFrame({"a": [pd.Timestamp("2026-01-01")]}), None, ({"a": "2026-01-01 00:00:00"}, None)),
        (pd.DataFrame({"a": [[1.0, np.nan]]}), np.zeros((1, 3)), ({"a": [1.0, None]}, None)),
        (pd.DataFrame({"a": [1.0]}), [1.0, 2.0], ({"a": 1.0}, None)),
    ],
)
def test_whatever_a_model_is_asked(start: Start, tmp_path: Path, data: Any, answer: Any, expected: Any) -> None:
    log, _ = start()
    ask(log, data, answer)
    log.wait()
    [line] = lines(tmp_path)
    assert (line["features"], line["score"]) == expected


@pytest.mark.parametrize(("fields"), [{"include": ("age", "n")}, {"exclude": ("plan", "seen")}])
def test_columns_are_left_out(start: Start, tmp_path: Path, fields: dict[str, Any]) -> None:
    log, _ = start(**fields)
    ask(log, TABLE, [0, 1])
    log.wait()
    assert {tuple(line["features"]) for line in lines(tmp_path)} == {("age", "n")}


def test_parquet_has_a_column_for_each_feature(start: Start, tmp_path: Path) -> None:
    log, tally = start(format="Parquet")
    ask(log, TABLE, [0.1, 0.2])
    ask(log, pd.DataFrame({"age": ["old"], "plan": [7], "seen": [None], "more": [1]}), [0.3], "odd")
    log.close()
    [path] = tmp_path.glob("churn/r1/date=*/hour=*/*.parquet")
    rows = pq.read_table(path).to_pylist()
    assert [row["id"] for row in rows] == ["p1:0", "p1:1", "odd"]
    assert [row["feature:age"] for row in rows] == ["40.0", None, "old"]  # a column with a text is one of texts
    assert [row["feature:more"] for row in rows] == [None, None, 1.0]
    assert [row["feature:plan"] for row in rows] == ["gold", None, "7"]
    assert [row["score"] for row in rows] == [0.1, 0.2, 0.3]
    assert tally.total()["written"] == 3
    assert tally.total()["bytes"] == path.stat().st_size


def test_files_are_complete_by_size_and_by_age(start: Start, tmp_path: Path) -> None:
    log, _ = start(max_file_bytes=100)
    for name in ("one", "two", "three"):
        ask(log, TABLE.head(1), [0.5], name)
        log.wait()
    log.close()
    files = list(tmp_path.rglob("*.jsonl"))
    assert len(files) == 3
    assert not list(tmp_path.rglob("*.part"))
    config = LogConfig(to=str(tmp_path), max_file_seconds=300)
    file = OpenFile(config, tmp_path / "x.jsonl", begun=7200.0)
    assert [file.is_due(moment) for moment in (7201.0, 7499.0, 7500.0)] == [False, False, True]
    assert OpenFile(config, tmp_path / "y.jsonl", begun=7199.0).is_due(7200.0)


def test_old_files_make_room(start: Start, tmp_path: Path) -> None:
    log, tally = start(max_file_bytes=100, max_total_bytes=350)
    for index in range(5):
        ask(log, TABLE.head(1), [0.5], f"p{index}")
        log.wait()
    log.close()
    assert [line["id"] for line in lines(tmp_path)] == ["p3", "p4"]
    assert tally.total()["deleted"] == 3


def test_a_sample_is_the_same_everywhere(start: Start, tmp_path: Path) -> None:
    log, tally = start(sample_ratio=0.25)
    names = [f"p{index}" for index in range(400)]
    for name in names:
        ask(log, TABLE, [0.5, 0.5], name)
    log.wait()
    found = {line["id"].split(":")[0] for line in lines(tmp_path)}
    assert found == {name for name in names if identity.is_sampled(name, 0.25)}
    assert 70 < len(found) < 130
    assert tally.total()["written"] + tally.total()["not_sampled"] == 800


class FullShelf(Shelf):
    """Its files lie on the device that is always full, until it is told otherwise."""

    full = True

    def begin(self, now: float) -> OpenFile:
        file = super().begin(now)
        if self.full:
            device = os.open("/dev/full", os.O_WRONLY)
            os.dup2(device, file.encoder._file)  # type: ignore[attr-defined]
            os.close(device)
        return file


def test_a_full_volume_loses_rows_and_says_so(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("rollmodel.serving.predictions.log.REST_SECONDS", 0.0)
    shelf = FullShelf(LogConfig(to=str(tmp_path), model="churn", revision="r1"), tmp_path)
    log, tally = start(shelf)
    for _ in range(3):
        ask(log, pd.DataFrame({"name": ["secret"]}), [0.5])
        log.wait()
    assert tally.total()["volume_full"] == 3
    assert tally.total()["failing"] == 1
    assert caplog.text.count("OSError ENOSPC") == 1
    assert "secret" not in caplog.text
    shelf.full = False
    log._file = None
    ask(log, TABLE, [0.1, 0.2])
    log.wait()
    assert tally.total()["written"] == 2
    assert tally.total()["failing"] == 0


def test_a_folder_that_cannot_be_written_to(start: Start, tmp_path: Path) -> None:
    (tmp_path / "churn").write_text("not a folder", encoding="utf-8")
    log, tally = start()
    ask(log, TABLE, [0.1, 0.2])
    ask(log, TABLE, [0.1, 0.2])
    log.wait()
    assert tally.total()["write_failed"] == 4


class SlowShelf(Shelf):
    """A disk that hangs."""

    def __init__(self, config: LogConfig, root: Path) -> None:
        super().__init__(config, root)
        self.go = threading.Event()

    def begin(self, now: float) -> OpenFile:
        self.go.wait(60)
        return super().begin(now)


def test_a_disk_that_hangs_blocks_no_request(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollmodel.serving.predictions.log.WAITING_VALUES", 1000)
    shelf = SlowShelf(LogConfig(to=str(tmp_path), model="churn", revision="r1"), tmp_path)
    log, tally = start(shelf)
    for _ in range(1000):
        ask(log, TABLE, [0.1, 0.2])
    assert tally.total()["too_fast"] >= 2 * (1000 - 1000 // 8 - 1)
    shelf.go.set()
    log.wait()
    total = tally.total()
    assert total["written"] + total["too_fast"] == 2000


def test_what_cannot_be_read_as_rows_is_counted(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    log, tally = start()
    ask(log, pd.DataFrame({"a": ["x" * 2_000_000]}), [1])
    ask(log, {"a": [object()]}, np.ones((2, 2, 2)))
    ask(log, 7, [1])
    log.wait()
    assert tally.total()["too_large"] == 1
    assert "object" not in caplog.text


class S3:
    """A bucket that may be away."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.away = False

    def put_object(self, *, Bucket: str, Key: str, Body: Any) -> None:  # noqa: N803  boto3's names
        if self.away:
            raise RuntimeError("EndpointConnectionError")
        self.objects[f"{Bucket}/{Key}"] = Body.read()


def test_complete_files_go_to_the_bucket(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollmodel.serving.predictions.log.REST_SECONDS", 0.0)
    store, config = S3(), LogConfig("s3://logs/all", "churn", "r1", max_file_bytes=100)
    log, tally = start(Bucket(config, tmp_path, lambda: store), to="s3://logs/all", max_file_bytes=100)
    ask(log, TABLE, [0.1, 0.2])
    log.wait()
    assert set(store.objects) == {"logs/all/churn/r1/about.json"}
    store.away = True
    for index in range(8):
        ask(log, TABLE, [0.1, 0.2], f"p{index}")
        log.wait()
    assert tally.total()["failing"] == 1
    assert tally.total()["deleted"] > 0
    store.away = False
    log.close()
    found = [key for key in store.objects if key.endswith(".jsonl")]
    assert all(key.startswith("logs/all/churn/r1/date=") for key in found)
    rows = b"".join(store.objects[key] for key in found).count(b"\n")
    assert rows == tally.total()["written"] - tally.total()["deleted"]
    assert not list(tmp_path.rglob("*.jsonl"))


class Refusal(Exception):
    """As botocore's ClientError."""

    def __init__(self, code: str) -> None:
        super().__init__("An error occurred: secret")
        self.response = {"Error": {"Code": code}}


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (Refusal("AccessDenied"), "AccessDenied"),
        (Refusal("secret\n text"), "Refusal"),
        (RuntimeError("secret"), "RuntimeError"),
        (Invalid("secret", reason="Unsupported"), "Unsupported"),
    ],
)
def test_why_s3_takes_nothing_is_said(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture, error: Exception, word: str
) -> None:
    def client() -> Any:
        raise error

    log, tally = start(Bucket(LogConfig("s3://logs/all", "churn", "r1"), tmp_path, client), to="s3://logs/all")
    ask(log, TABLE, [0.1, 0.2])
    log.wait()
    assert tally.total()["failing"] == 1
    assert f"predictions are not logged (S3: {word}); the model is served" in caplog.text
    assert "secret" not in "".join(record.getMessage() for record in caplog.records)


def test_workers_share_their_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for pid in (11, 12):
        monkeypatch.setattr("os.getpid", lambda pid=pid: pid)
        tally = Tally(tmp_path)
        tally.add("written", 5)
    (tmp_path / "predictions-13.counts").touch()  # a worker that begins just now
    [rows, *_] = LogMetrics(tally).collect()
    assert {sample.labels["outcome"]: sample.value for sample in rows.samples}["written"] == 10
    assert len(rows.samples) == 7


@pytest.mark.parametrize(
    ("header", "taken"),
    [(b"order-17.a_B", True), (b"", False), (b"a b", False), (b"x:1", False), (b"-x", False), (b"x" * 65, False)],
)
def test_a_clients_id_is_taken_if_it_is_valid(header: bytes, taken: bool) -> None:
    found = identity.prediction_id([(b"host", b"x"), (identity.HEADER, header)])
    assert (found == header.decode()) == taken
    assert len(found) == 24 or taken


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "{}", '{"to": "x", "format": "CSV"}', '{"to": "x", "sampleRatio": 2}', '{"to": "x", "model": "../x"}'],
)
def test_a_variable_that_cannot_be_understood(text: str) -> None:
    with pytest.raises(Invalid, match=VARIABLE):
        configured({VARIABLE: text})
    assert configured({}) is None
