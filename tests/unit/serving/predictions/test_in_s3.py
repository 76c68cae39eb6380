"""A log in S3 with the real boto3 over HTTP: written, counted, looked into; away, refused, expired."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rollmodel.serving.predictions import identity
from rollmodel.serving.predictions.config import LogConfig
from rollmodel.serving.predictions.count_log.command import main
from rollmodel.serving.predictions.count_log.reading import LogFiles
from rollmodel.serving.predictions.files import open_shelf
from rollmodel.serving.predictions.log import PredictionLog
from rollmodel.serving.predictions.start import about_text
from rollmodel.serving.predictions.tally import Tally
from rollmodel.serving.sources.factory import open_source
from rollmodel.serving.sources.web import HttpArchive

from tests.support.servers.s3 import S3Server, serving
from tests.unit.serving.predictions.conftest import NOON, Clinic, Clock

LOG = "s3://logs/of all/clinic"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """A server with the bucket ``logs``, which boto3 finds by its own variables, as in a pod."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "name",
        "AWS_SECRET_ACCESS_KEY": "password",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    with serving() as server:
        server.buckets.add("logs")
        monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", server.url)
        yield server


@pytest.fixture
def log(s3: S3Server, clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[PredictionLog, Tally]]:
    """A log of many small files."""
    monkeypatch.setattr("rollmodel.serving.predictions.log.COLLECT_SECONDS", 0.0)
    monkeypatch.setattr("rollmodel.serving.predictions.log.REST_SECONDS", 0.0)
    monkeypatch.setattr("rollmodel.serving.predictions.log.time", Clock(NOON - 1800))
    config, tally = LogConfig("s3://logs/of all", "clinic", "r1", max_file_bytes=3_000), Tally()
    log = PredictionLog(config, open_shelf(config), tally, about=about_text(config, clinic.profile.to_json()))
    yield log, tally
    log.close()


def ask(log: PredictionLog, clinic: Clinic, times: int, name: str = "p") -> None:
    """Ten rows each time."""
    table = clinic.table.head(10)
    for index in range(times):
        identity.current.set(f"{name}{index}")
        log.after(log.before(table), clinic.scores(table))
        log.wait()


def counted(folder: Path, *more: str) -> dict[str, Any]:
    assert main([LOG, "--out", str(folder), "--now", str(NOON + 700), *more]) == 0
    found: dict[str, Any] = json.loads(gzip.decompress((folder / "r1.json.gz").read_bytes()))
    return found


def files_of(uri: str) -> LogFiles:
    """What a pod of its own would read."""
    source = open_source(uri)
    assert not isinstance(source, HttpArchive)
    return LogFiles(source)


def test_it_is_written_counted_and_looked_into(
    s3: S3Server, log: tuple[PredictionLog, Tally], clinic: Clinic, tmp_path: Path
) -> None:
    ask(log[0], clinic, 12)
    log[0].close()
    assert len(s3.keys("logs", "of all/clinic/r1/date=")) > 3, "a listing of several pages"
    assert log[1].total()["written"] == 120
    s3.objects["logs/labels/one.csv"] = b"id,label\n" + b"".join(b"p%d:0,1\n" % index for index in range(12))
    found = counted(tmp_path, "--labels", "s3://logs/labels")
    assert (found["ends"], found["labels"]["used"]) == ([NOON], 12)
    record = files_of(LOG).find("p11:3")
    assert record is not None
    assert record.features["site"] == clinic.table["site"][3]

    files = files_of(LOG)
    names = files._all()
    expired = next(name for name in names if name.endswith(".jsonl"))
    lost = s3.objects.pop(f"logs/of all/clinic/{expired}").count(b"\n")
    assert sum(len(rows) for rows in files.records()) == 120 - lost
    assert files.unreadable.files == 1


def test_what_waits_goes_there_once_s3_is_back(
    s3: S3Server, log: tuple[PredictionLog, Tally], clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "rollmodel.serve")
    s3.refuse = "AccessDenied"
    ask(log[0], clinic, 4)
    assert log[1].total()["failing"] == 1
    assert "predictions are not logged (S3: AccessDenied)" in caplog.text
    s3.refuse = ""
    ask(log[0], clinic, 4, "q")
    assert "predictions are logged again" in caplog.text
    log[0].close()
    rows = sum(s3.objects[f"logs/{key}"].count(b"\n") for key in s3.keys("logs") if key.endswith(".jsonl"))
    assert rows == log[1].total()["written"] == 80


@pytest.mark.parametrize(
    ("where", "refuse", "message"),
    [
        ("s3://logs/nothing", "", "no objects at s3://logs/nothing"),
        ("s3://none/x", "", "s3://none/x does not exist (NoSuchBucket)"),
        (LOG, "AccessDenied", "no permission to read s3://logs/of all/clinic (AccessDenied)"),
        (LOG, "InvalidObjectState", "cannot be read (InvalidObjectState)"),
    ],
)
def test_what_cannot_be_counted_is_told(
    s3: S3Server, capsys: pytest.CaptureFixture[str], where: str, refuse: str, message: str
) -> None:
    s3.refuse = refuse
    assert main([where, "--out", "nowhere"]) == 1
    assert message in capsys.readouterr().err
