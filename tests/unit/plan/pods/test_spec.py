"""How a container reaches the registry: whose login, whose authorities."""

from __future__ import annotations

from rollmodel.plan.pods.spec import connection


def test_a_secret_gives_all_and_only_what_it_holds() -> None:
    variables = {one["name"]: one["valueFrom"]["secretKeyRef"] for one in connection("theirs", "http://ours", "our CA")}
    assert {variable["name"] for variable in variables.values()} == {"theirs"}
    assert variables["ROLLMODEL_MLFLOW_CA"] == {"name": "theirs", "key": "ca", "optional": True}
    assert [name for name, variable in variables.items() if not variable["optional"]] == ["MLFLOW_TRACKING_URI"]


def test_the_default_registry_comes_with_its_authority() -> None:
    assert connection(None, "http://ours") == [{"name": "MLFLOW_TRACKING_URI", "value": "http://ours"}]
    assert {one["name"]: one["value"] for one in connection(None, "http://ours", "our CA")} == {
        "MLFLOW_TRACKING_URI": "http://ours",
        "ROLLMODEL_MLFLOW_CA": "our CA",
    }
    assert connection(None, None, "our CA", "risk") == []


def test_the_workspace_goes_with_the_connection() -> None:
    variables = {one["name"]: one for one in connection("theirs", "http://ours", None, "ours")}
    assert variables["MLFLOW_WORKSPACE"]["valueFrom"]["secretKeyRef"]["key"] == "workspace"
    assert connection(None, "http://ours", None, "risk")[-1] == {"name": "MLFLOW_WORKSPACE", "value": "risk"}
