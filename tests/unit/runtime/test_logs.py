"""Logs: one line per record, without credentials."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from rollmodel.runtime.logs import configure
from rollmodel.text import redact


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Leave the root logger as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer hunter2hunter2",
        "authorization=basic aHVudGVyMmh1bnRlcjI=",
        "GET http://admin:hunter2hunter2@mlflow:5000/api failed",
        "password=hunter2hunter2",
        '{"token": "hunter2hunter2"}',
        "api_key: hunter2hunter2",
    ],
)
def test_credentials_are_taken_out(text: str) -> None:
    assert "hunter2" not in redact(text)
    assert "aHVudGVy" not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "ModelDeployment team/churn: MLflow at mlflow:5000 did not answer; again in 3 s",
        "the tokenizer was loaded from s3://bucket/a",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert redact(text) == text


def test_json_is_one_line_per_record(capsys: pytest.CaptureFixture[str]) -> None:
    configure(form="json", level="INFO")
    try:
        int("password=hunter2hunter2")
    except ValueError:
        logging.getLogger("rollmodel.test").exception("it\nbroke: %s", "token=hunter2hunter2")
    (line,) = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert (entry["level"], entry["logger"]) == ("error", "rollmodel.test")
    assert entry["message"] == "it\nbroke: token=[redacted]"
    assert "ValueError" in entry["exception"]
    assert "hunter2" not in line


def test_text_below_the_level_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    configure(form="text", level="WARNING")
    logging.getLogger("rollmodel.test").info("nothing")
    logging.getLogger("rollmodel.test").warning("something")
    assert capsys.readouterr().err.rstrip().endswith("WARNING rollmodel.test: something")
