"""``rollmodel lineage ID --log WHERE``: from a prediction to the version that made it."""

from __future__ import annotations

from pathlib import Path

import pytest
from rollmodel.cli.lineage.chain import Chain, Link
from rollmodel.cli.lineage.prediction import of_prediction
from rollmodel.errors import Invalid, NotFound
from rollmodel.serving.predictions.config import LogConfig
from rollmodel.serving.predictions.encoders import open_encoder
from rollmodel.serving.predictions.records import Record

VERSION = Chain("churn-model", "7", (Link("version", "7"),), revisions=frozenset({"rev7"}))
OTHER = Chain("churn-model", "8", (), revisions=frozenset({"rev8"}))


@pytest.fixture(params=["JSONLines", "Parquet"])
def log(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    folder = tmp_path / "churn" / "rev7" / "date=2026-01-31" / "hour=07"
    folder.mkdir(parents=True)
    config = LogConfig(to=str(tmp_path), format=request.param)
    encoder = open_encoder(config.format, folder / ("x.jsonl" if request.param == "JSONLines" else "x.parquet"))
    names = ("order-1", "batch:0", "batch:1")
    encoder.add([Record(name, 1_769_843_000.0, "rev7", 0.25, {"age": 40.0}) for name in names])
    encoder.add([Record("old", 1_769_843_000.0, "rev1", None, {"age": 40.0})])
    encoder.close()
    return str(tmp_path)


@pytest.mark.parametrize(("name", "row"), [("order-1", "order-1"), ("batch", "batch:0"), ("batch:1", "batch:1")])
def test_a_prediction_leads_to_its_version(log: str, name: str, row: str) -> None:
    [found] = of_prediction([OTHER, VERSION], name, log)
    assert (found.model, found.version) == ("churn-model", "7")
    assert [link.what for link in found.links] == ["version", "prediction"]
    link = found.links[-1]
    assert (link.name, link.time, link.outcome) == (row, "2026-01-31T07:03:20Z", "score 0.25")
    assert link.why == "revision rev7"
    assert "40" not in str(found), "features are nobody's business here"


def test_a_revision_that_nobody_knows_any_more(log: str) -> None:
    [found] = of_prediction([VERSION], "old", log)
    assert found.links[0].why == "revision rev1"
    assert "no object here knows" in found.now


def test_a_prediction_that_is_not_there(log: str) -> None:
    with pytest.raises(NotFound, match="no prediction 'order'"):
        of_prediction([VERSION], "order", log)
    with pytest.raises(Invalid, match="a folder"):
        of_prediction([VERSION], "order", "https://example.com/log.tar.gz")
