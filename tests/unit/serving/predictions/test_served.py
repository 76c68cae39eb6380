"""The server names its predictions, and logs them; without a log it does neither."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from rollmodel.profile import build_profile
from rollmodel.serving.predictions.config import VARIABLE
from rollmodel.serving.predictions.start import start_logging
from rollmodel.serving.server.app import Readiness, ServerApp
from rollmodel.serving.server.metrics import ServerMetrics
from rollmodel.serving.server.scoring import Observers, Scorer

from tests.unit.serving.server.test_app import client, mlflow_app, server
from tests.unit.serving.server.test_scoring import JSON, body, double, pyfunc


async def test_the_answers_id_finds_the_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = build_profile({"x": np.random.default_rng(1).normal(size=100)})
    (tmp_path / "profile.json").write_text(profile.to_json(), encoding="utf-8")
    config = {"to": str(tmp_path / "log"), "model": "churn", "revision": "r1"}
    monkeypatch.setenv(VARIABLE, json.dumps(config))
    logging = start_logging(tmp_path)
    assert logging is not None
    scorer, metrics = Scorer(pyfunc(double)), ServerMetrics({"model_id": "m"}, logging.metrics)
    scorer.watch(Observers.of(None, logging.log))
    app = ServerApp(
        scorer, mlflow_app, metrics, Readiness(tried=True), timeout=5.0, max_bytes=1000, names_predictions=True
    )
    async with client(app) as http:
        headers = {"content-type": JSON}
        ours = await http.post("/invocations", content=body(1.0), headers=headers)
        theirs = await http.post("/invocations", content=body(2.0, 3.0), headers={**headers, "X-Prediction-Id": "o-1"})
        bad = await http.post("/invocations", content=b"{}", headers=headers)
        text = (await http.get("/metrics")).text
    logging.log.close()
    [path] = (tmp_path / "log").rglob("*.jsonl")
    rows = {row["id"]: row for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())}
    assert set(rows) == {ours.headers["x-prediction-id"], "o-1:0", "o-1:1"}
    assert rows["o-1:1"]["features"] == {"x": 3.0}
    assert rows["o-1:1"]["score"] == 6.0
    assert theirs.headers["x-prediction-id"] == "o-1"
    assert bad.status_code == 400
    assert 'rollmodel_prediction_log_rows_total{outcome="volume_full"} 0.0' in text
    about = json.loads((tmp_path / "log/churn/r1/about.json").read_text(encoding="utf-8"))
    assert about["profile"]["digest"] == profile.digest


async def test_without_a_log_answers_have_no_id(tmp_path: Path) -> None:
    assert start_logging(tmp_path) is None
    async with client(server()) as http:
        answer = await http.post("/invocations", content=b"x", headers={"X-Prediction-Id": "o-1"})
    assert "x-prediction-id" not in answer.headers


def test_a_log_that_cannot_be_keeps_nobody_from_being_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(VARIABLE, "{")
    assert start_logging(tmp_path) is None
    assert "predictions are not logged" in caplog.text
