"""Tables off a terminal: one line for each object, however long, and what `get -o` prints."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from rollmodel.__main__ import main
from rollmodel.cli.common import cluster

MESSAGE = "v2 at 10 %, step 1 of 2: " + "errors undecided, " * 20
OBJECT = {
    "apiVersion": "rollmodel.dev/v1alpha1",
    "kind": "ModelDeployment",
    "metadata": {"name": "churn", "namespace": "prod"},
    "spec": {},
    "status": {
        "conditions": [
            {
                "type": "Ready",
                "status": "Unknown",
                "reason": "RollingOut",
                "message": MESSAGE,
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }
        ],
        "evidence": [{"metric": "errors", "verdict": "Undecided", "untilDecision": "about 3 min " * 20}],
        "stable": {"revision": "aaa", "modelVersion": "1", "weight": 90},
        "candidate": {"revision": "bbb", "modelVersion": "2", "weight": 10, "step": 2},
    },
}


@pytest.fixture
def get(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(cluster, "run", lambda *_: [OBJECT])

    def run(*words: str) -> str:
        assert main(["get", *words]) == 0
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize("output", ["table", "wide"])
def test_a_line_for_each_object_and_no_blanks_at_its_end(get: Any, output: str) -> None:
    lines = get("-o", output).splitlines()
    assert len(lines) == 2
    assert not any(line.endswith(" ") for line in lines)
    assert ("step 1 of 2" in lines[1]) == (output == "wide")


def test_names_are_for_further_commands(get: Any) -> None:
    assert get("-o", "name") == "modeldeployment.rollmodel.dev/churn\n"


def test_without_a_name_objects_are_a_list_and_with_one_the_object(get: Any) -> None:
    objects = {"apiVersion": "v1", "kind": "List", "items": [OBJECT]}
    assert json.loads(get("-o", "json")) == objects
    assert yaml.safe_load(get("-o", "yaml")) == objects
    assert get("-o", "jsonpath={.items[*].metadata.name}") == "churn"
    assert json.loads(get("churn", "-o", "json")) == yaml.safe_load(get("mdep/churn", "-o", "yaml")) == OBJECT
    assert get("mdep", "churn", "-o", 'jsonpath={.status.conditions[?(@.type=="Ready")].reason}') == "RollingOut"
    assert get("churn", "-A", "-o", "jsonpath={.items[0].status.candidate.modelVersion}") == "2"


def test_a_width_that_is_asked_for_holds(get: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert len(get().splitlines()) > 2


def test_explain_is_not_wrapped_either(
    tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    status = {"rejected": {"revision": "bbb", "reason": "X", "message": MESSAGE, "time": "2026-01-01T00:00:00Z"}}
    (tmp_path / "churn.json").write_text(json.dumps({**OBJECT, "status": status}))
    assert main(["explain", "--file", str(tmp_path / "churn.json")]) == 0
    assert MESSAGE.strip() in capsys.readouterr().out
