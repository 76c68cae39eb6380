"""The statement about a release, field by field as in-toto and SLSA define them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from charts import provenance

COMMIT = "ab" * 20
FILES = {"b.tgz": "2" * 64, "a.whl": "1" * 64}


def told(**changes: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "version": "0.1.0",
        "repository": "https://git.example.com/rollmodel.git",
        "commit": COMMIT,
        "clean": True,
        "inputs": {"requirements/operator.txt": "3" * 64},
    }
    return provenance.statement(changes.pop("files", FILES), **{**usual, **changes})


def test_it_says_what_was_built_from_what_by_whom() -> None:
    assert told() == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": "a.whl", "digest": {"sha256": "1" * 64}},
            {"name": "b.tgz", "digest": {"sha256": "2" * 64}},
        ],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": provenance.BUILD_TYPE,
                "externalParameters": {"version": "0.1.0", "command": ["make", "release"]},
                "internalParameters": {"uncommittedChanges": False},
                "resolvedDependencies": [
                    {"uri": "git+https://git.example.com/rollmodel.git", "digest": {"gitCommit": COMMIT}},
                    {"name": "requirements/operator.txt", "digest": {"sha256": "3" * 64}},
                ],
            },
            "runDetails": {"builder": {"id": provenance.BUILDER}},
        },
    }


def test_changes_that_are_not_committed_are_told() -> None:
    definition = told(clean=False)["predicate"]["buildDefinition"]
    assert definition["internalParameters"] == {"uncommittedChanges": True}


def test_the_same_release_makes_the_same_text() -> None:
    text = provenance.text(told())
    assert text == provenance.text(told(files=dict(reversed(FILES.items()))))
    assert json.loads(text) == told()


@pytest.mark.parametrize("commit", ["", "main", COMMIT[:7], COMMIT.upper()])
def test_a_commit_that_is_none(commit: str) -> None:
    with pytest.raises(ValueError, match="not the whole hash of a commit"):
        told(commit=commit)


def test_about_nothing_nothing_is_said() -> None:
    with pytest.raises(ValueError, match="at least one file"):
        told(files={})


def test_digests_are_those_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a").write_bytes(b"\0\xff")
    found = provenance.digests([tmp_path / "sub" / "a"], tmp_path)
    assert found == {"sub/a": hashlib.sha256(b"\0\xff").hexdigest()}
