"""Models from a real MLflow server."""

import json
from pathlib import Path

import pytest
from rollmodel.serving.digest import folder_digest
from rollmodel.serving.fetch import input as input_command
from rollmodel.serving.fetch import model

from tests.cluster.serving.conftest import Registered


@pytest.fixture(autouse=True)
def connection(mlflow_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_url)


URIS = ["models:/{name}/{version}", "models:/{model_id}", "runs:/{run_id}/model", "{artifacts}"]


@pytest.mark.parametrize("template", URIS)
def test_every_way_to_name_a_version_leads_to_the_same_files(
    registered: dict[str, Registered], tmp_path: Path, template: str
) -> None:
    found = registered["v2"]
    uri = template.format_map(vars(found))
    assert model.main(["--uri", uri, "--digest", found.digest, "--dest", str(tmp_path / "model")]) == 0
    assert folder_digest(tmp_path / "model") == found.digest


@pytest.mark.parametrize("template", URIS)
def test_an_input_is_resolved_once_and_reported(
    registered: dict[str, Registered], tmp_path: Path, template: str
) -> None:
    found, log = registered["v2"], tmp_path / "log"
    uri = template.format_map(vars(found))
    arguments = ["--name", "model", "--uri", uri, "--dest", str(tmp_path / "input"), "--termination-log", str(log)]
    assert input_command.main(arguments) == 0
    version = found.version if uri.endswith(f"/{found.version}") and uri.startswith("models:") else None
    assert json.loads(log.read_text()) == {"name": "model", "uri": uri, "version": version, "digest": found.digest}
    assert folder_digest(tmp_path / "input") == found.digest


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("models:/tumour-screening/99", "NotFound"),
        ("models:/no-such-model/1", "NotFound"),
        ("models:/m-0", "NotFound"),
        ("runs:/0/model", "NotFound"),
        ("mlflow-artifacts:/no/such/folder", "NotFound"),
        ("mlflow-artifacts:/../../etc", "Invalid"),
        ("models:/tumour-screening@challenger", "Invalid"),
        ("models:/tumour-screening/1", "DigestMismatch"),
    ],
)
def test_refusals_name_their_reason(registered: dict[str, Registered], tmp_path: Path, uri: str, reason: str) -> None:
    log = tmp_path / "log"
    arguments = ["--uri", uri, "--digest", "sha256:" + "0" * 64, "--dest", str(tmp_path / "model")]
    assert model.main([*arguments, "--termination-log", str(log)]) == 1
    assert log.read_text().startswith(f"{reason}: ")


def test_a_transfer_is_resumed_by_range(registered: dict[str, Registered], tmp_path: Path) -> None:
    found = registered["v3"]
    work = tmp_path / f".model.partial-{found.digest[7:19]}"
    (work / "parts").mkdir(parents=True)
    model.fetch(f"models:/{found.model_id}", found.digest, tmp_path / "before")
    content = (tmp_path / "before/model.skops").read_bytes()
    (work / "parts/model.skops").write_bytes(content[: len(content) // 2])
    model.fetch(f"models:/{found.model_id}", found.digest, tmp_path / "model")
    assert folder_digest(tmp_path / "model") == found.digest
