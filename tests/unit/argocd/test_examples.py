"""The example Applications: what they point at exists, and comes in the right order."""

from __future__ import annotations

from typing import Any

import pytest

from charts.__main__ import CHART, REPOSITORY
from charts.values import read
from tests.support.yaml_text import from_yaml

FOLDER = REPOSITORY / "examples" / "argocd"
APPLICATIONS = {path.stem: from_yaml(path.read_text()) for path in FOLDER.glob("*.yaml")}
CRD = from_yaml((REPOSITORY / "crds" / "modeldeployments.yaml").read_text())


def leaves(values: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(values, dict):
        return {path: values}
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= leaves(value, f"{path}.{key}".lstrip("."))
    return found


def test_they_come_in_waves() -> None:
    waves = {
        name: int(one["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"]) for name, one in APPLICATIONS.items()
    }
    assert sorted(waves, key=waves.__getitem__) == ["crds", "operator", "models"]
    assert len(set(waves.values())) == 3


@pytest.mark.parametrize("name", ["crds", "operator"])
def test_the_folder_is_one_of_this_repository(name: str) -> None:
    source = APPLICATIONS[name]["spec"]["source"]
    assert list((REPOSITORY / source["path"]).glob("*.yaml"))


def test_the_values_exist() -> None:
    known = {value.name for value in read((CHART / "values.yaml").read_text())}
    values = leaves(APPLICATIONS["operator"]["spec"]["source"]["helm"]["valuesObject"])
    assert len(values) > 3
    assert set(values) <= known


def test_definitions_are_never_deleted() -> None:
    application = APPLICATIONS["crds"]
    assert "prune" not in application["spec"]["syncPolicy"]["automated"]
    assert "finalizers" not in application["metadata"]


@pytest.mark.parametrize("name", APPLICATIONS)
def test_everything_is_applied_by_the_server_and_nothing_replaced(name: str) -> None:
    options = APPLICATIONS[name]["spec"]["syncPolicy"]["syncOptions"]
    assert "ServerSideApply=true" in options
    assert "Replace=true" not in options


def test_what_an_autoscaler_writes_is_ignored() -> None:
    (version,) = CRD["spec"]["versions"]
    (ignored,) = APPLICATIONS["models"]["spec"]["ignoreDifferences"]
    assert (ignored["group"], ignored["kind"]) == (CRD["spec"]["group"], CRD["spec"]["names"]["kind"])
    path = version["subresources"]["scale"]["specReplicasPath"]
    assert ignored["jsonPointers"] == [path.replace(".", "/")]
    assert "RespectIgnoreDifferences=true" in APPLICATIONS["models"]["spec"]["syncPolicy"]["syncOptions"]
