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

CANDIDATE = {
    "revision": "bbb",
    "modelVersion": "3",
    "weight": 25,
    "readyReplicas": 1,
    "requests": 1200,
}
PROMOTION = {
    "time": "2026-01-01T00:00:00Z",
    "verdict": "Promoted",
    "fromRevision": "zzz",
    "fromVersion": "1",
    "toRevision": "aaa",
    "toVersion": "2",
    "reason": "ProvenSafe",
}


def base() -> dict[str, Any]:
    """Version 2 serves, version 3 is tried."""
    return {
        "stable": {"revision": "aaa", "modelVersion": "2"},
        "candidate": dict(CANDIDATE),
        "rejected": {
            "revision": "ccc",
            "modelVersion": "4",
            "reason": "ProvenHarmful",
            "message": "errors",
            "time": "2026-01-01T00:00:00Z",
        },
        "evidence": [{"metric": "errors", "verdict": "Undecided", "samples": "3/10 candidate, 0/47 stable"}],
        "history": [PROMOTION],
    }


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A cluster with one object; collects what is written to it. Nobody sits at a terminal."""
    found: list[tuple[str, str]] = []
    status = base()

    def fetch(name: str, *, namespace: str | None, kubeconfig: str | None) -> dict[str, Any]:
        assert (name, namespace, kubeconfig) == ("churn", "prod", None)
        return {"metadata": {"name": name, "namespace": namespace, "resourceVersion": "7"}, "status": status}

    def annotate(manifest: dict[str, Any], key: str, value: str, *, kubeconfig: str | None) -> dict[str, Any]:
        found.append((key, value))
        return manifest

    monkeypatch.setattr(cluster, "fetch", fetch)
    monkeypatch.setattr(cluster, "annotate", annotate)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    return found, status


def ready_for(verb: str, status: dict[str, Any]) -> None:
    """Something that the verb can be about."""
    if verb == "resume":
        status["paused"] = "Command: paused by alice"
    if verb == "undo":
        del status["candidate"]


@pytest.mark.parametrize("verb", VERBS)
def test_the_annotation_names_the_revision_and_is_new_each_time(verb: str, written: Any, capsys: Any) -> None:
    found, status = written
    ready_for(verb, status)
    for _ in range(2):
        assert main([verb, "churn", "-n", "prod"]) == 0
    keys, texts = zip(*found, strict=True)
    assert set(keys) == {ANNOTATION}
    revision, version = {"retry": ("ccc", "4"), "undo": ("aaa", "2")}.get(verb, ("bbb", "3"))
    assert all(re.fullmatch(rf"{verb} {revision} [0-9a-f]{{8}}", text) for text in texts)
    assert texts[0] != texts[1]
    assert f"asked to {verb} v{version}" in capsys.readouterr().out


@pytest.mark.parametrize("verb", VERBS)
def test_a_version_that_is_named_guards(verb: str, written: Any, capsys: Any) -> None:
    found, status = written
    ready_for(verb, status)
    assert main([verb, "churn", "-n", "prod", "--version", "7"]) == 1
    version = {"retry": "4", "undo": "2"}.get(verb, "3")
    assert f"it is v{version} now, not v7" in capsys.readouterr().err
    assert not found
    assert main([verb, "churn", "-n", "prod", "--version", version]) == 0
    assert len(found) == 1


@pytest.mark.parametrize(
    ("verb", "why"),
    [
        ("abort", "no revision is being tried"),
        ("retry", "no revision was taken back"),
        ("undo", "no revision was promoted that took another's place"),
    ],
)
def test_nothing_is_written_without_a_revision(verb: str, why: str, written: Any, capsys: Any) -> None:
    found, status = written
    status.clear()
    assert main([verb, "churn", "-n", "prod"]) == 1
    assert why in capsys.readouterr().err
    assert not found


def test_promote_says_what_is_known(written: Any, capsys: Any) -> None:
    assert main(["promote", "churn", "-n", "prod"]) == 0
    assert (
        "asked to promote v3: v3 (revision bbb) at 25 %, 1,200 requests judged at this step;"
        " errors Undecided (3/10 candidate, 0/47 stable)" in capsys.readouterr().out
    )


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("YES", 0), ("", 1), ("n", 1)])
@pytest.mark.parametrize("verb", ["promote", "undo"])
def test_a_person_is_asked(verb: str, answer: str, code: int, written: Any, monkeypatch: Any) -> None:
    found, status = written
    ready_for(verb, status)
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)

    def ask(question: str) -> str:
        asked.append(question)
        return answer

    monkeypatch.setattr("builtins.input", ask)
    assert main([verb, "churn", "-n", "prod"]) == code
    assert len(found) == 1 - code
    assert {"promote": "v3 (revision bbb) at 25 %", "undo": "v1 (revision zzz) comes back"}[verb] in asked[0]
    assert main([verb, "churn", "-n", "prod", "--yes"]) == 0
    assert len(asked) == 1


def test_that_a_version_was_taken_back_before_is_told(written: Any, capsys: Any) -> None:
    _, status = written
    lost = {**PROMOTION, "verdict": "RolledBack", "fromRevision": "aaa", "reason": "ProvenHarmful: errors"}
    status["history"] = [{**lost, "toRevision": "zzz"}, PROMOTION, {**lost, "toRevision": "bbb"}]
    assert main(["promote", "churn", "-n", "prod", "--yes"]) == 0
    told = "which was taken back on 2026-01-01T00:00:00Z (ProvenHarmful: errors), "
    assert f"v3 (revision bbb), {told}at 25 %, 1,200 requests judged" in capsys.readouterr().out
    status["candidate"] = None
    assert main(["undo", "churn", "-n", "prod", "--yes"]) == 0
    assert f"v1 (revision zzz), {told}comes back unjudged" in capsys.readouterr().out


def test_without_a_ready_pod_only_by_force(written: Any, capsys: Any) -> None:
    found, status = written
    status["candidate"]["readyReplicas"] = 0
    assert main(["promote", "churn", "-n", "prod", "--yes"]) == 1
    assert "not one of its pods is ready; --force" in capsys.readouterr().err
    assert not found
    assert main(["promote", "churn", "-n", "prod", "--yes", "--force"]) == 0
    assert len(found) == 1


def test_what_would_be_ignored_is_not_asked_for(written: Any, capsys: Any) -> None:
    found, status = written
    assert main(["resume", "churn", "-n", "prod"]) == 1
    assert "v3 is not paused" in capsys.readouterr().err
    status["paused"] = "Command: paused by alice"
    assert main(["pause", "churn", "-n", "prod"]) == 1
    assert "v3 is paused already: Command: paused by alice" in capsys.readouterr().err
    assert main(["undo", "churn", "-n", "prod"]) == 1
    assert "v3 (revision bbb) is being tried: `abort` takes it back" in capsys.readouterr().err
    assert not found


def test_abort_at_rest_knows_the_way_back(written: Any, capsys: Any) -> None:
    _, status = written
    del status["candidate"]
    assert main(["abort", "churn", "-n", "prod"]) == 1
    assert "`rollmodel undo` goes back to the revision before" in capsys.readouterr().err


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
