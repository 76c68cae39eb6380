"""The verbs: which annotation is written, and when none is."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from rollmodel.__main__ import main
from rollmodel.cli import COMMANDS, VERBS
from rollmodel.cli.common import cluster
from rollmodel.errors import Conflict
from rollmodel.plan.deployment.strategies.commands import ANNOTATION


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A cluster with one object; collects what is written to it."""
    found: list[tuple[str, str]] = []
    status: dict[str, Any] = {"candidate": {"revision": "bbb"}, "rejected": {"revision": "ccc"}}

    def fetch(name: str, *, namespace: str | None, kubeconfig: str | None) -> dict[str, Any]:
        assert (name, namespace, kubeconfig) == ("churn", "prod", None)
        return {"metadata": {"name": name, "namespace": namespace, "resourceVersion": "7"}, "status": status}

    def annotate(manifest: dict[str, Any], key: str, value: str, *, kubeconfig: str | None) -> dict[str, Any]:
        found.append((key, value))
        return manifest

    monkeypatch.setattr(cluster, "fetch", fetch)
    monkeypatch.setattr(cluster, "annotate", annotate)
    return found, status


@pytest.mark.parametrize("verb", VERBS)
def test_the_annotation_names_the_revision_and_is_new_each_time(verb: str, written: Any, capsys: Any) -> None:
    found, _ = written
    for _ in range(2):
        assert main([verb, "churn", "-n", "prod"]) == 0
    keys, texts = zip(*found, strict=True)
    assert set(keys) == {ANNOTATION}
    revision = "ccc" if verb == "retry" else "bbb"
    assert all(re.fullmatch(rf"{verb} {revision} [0-9a-f]{{8}}", text) for text in texts)
    assert texts[0] != texts[1]
    assert f"asked to {verb} {revision}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("verb", "why"), [("abort", "no revision is being tried"), ("retry", "no revision was taken back")]
)
def test_nothing_is_written_without_a_revision(verb: str, why: str, written: Any, capsys: Any) -> None:
    found, status = written
    status.clear()
    assert main([verb, "churn", "-n", "prod"]) == 1
    assert why in capsys.readouterr().err
    assert not found


def test_errors_are_told(written: Any, monkeypatch: Any, capsys: Any) -> None:
    def late(*_: object, **__: object) -> None:
        raise Conflict("the object has been modified")

    monkeypatch.setattr(cluster, "annotate", late)
    assert main(["pause", "churn", "-n", "prod"]) == 1
    assert "rollmodel pause: the object has been modified" in capsys.readouterr().err


def test_without_a_kubeconfig(tmp_path: Any, capsys: Any) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps({"kind": "Config"}), encoding="utf-8")
    assert main(["pause", "churn", "--kubeconfig", str(path)]) == 1
    assert "no usable kubeconfig" in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: Any) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert f"rollmodel {name}" in capsys.readouterr().out
