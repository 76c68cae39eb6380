"""Where the files of a release come from, as an in-toto statement (https://in-toto.io/Statement/v1).

The predicate is SLSA's provenance, version 1 (https://slsa.dev/spec/v1.0/provenance): what was built, from which commit
and which pinned packages, by whom. It is not signed here, and holds no times, so that the same commit makes the same
file; docs/guides/verify-a-release.md says how it is signed and checked.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["BUILDER", "BUILD_TYPE", "digest", "digests", "statement", "text"]

#: What the fields of ``buildDefinition`` mean: `make release` in a checkout of the repository.
BUILD_TYPE = "https://rollmodel.dev/build/make-release/v1"
#: A person's machine. A CI that vouches for more names itself in ``ROLLMODEL_BUILDER_ID``.
BUILDER = "https://rollmodel.dev/builder/workstation"

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def statement(
    files: Mapping[str, str],
    *,
    version: str,
    repository: str,
    commit: str,
    clean: bool,
    inputs: Mapping[str, str],
    builder: str = BUILDER,
) -> dict[str, Any]:
    """The statement about ``files`` (name -> SHA-256, hex).

    ``repository``: its address; ``clean``: whether the checkout was the commit, and nothing but it; ``inputs``: files
    of the repository that pin what is brought in, likewise. Raises ValueError for a commit that is none, or without
    files.
    """
    if not files:
        raise ValueError("a statement is about at least one file")
    if not _COMMIT.fullmatch(commit):
        raise ValueError(f"{commit!r} is not the whole hash of a commit")
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": files[name]}} for name in sorted(files)],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"version": version, "command": ["make", "release"]},
                "internalParameters": {"uncommittedChanges": not clean},
                "resolvedDependencies": [
                    {"uri": f"git+{repository}", "digest": {"gitCommit": commit}},
                    *({"name": name, "digest": {"sha256": inputs[name]}} for name in sorted(inputs)),
                ],
            },
            "runDetails": {"builder": {"id": builder}},
        },
    }


def text(told: Mapping[str, Any]) -> str:
    """As it is written and signed."""
    return json.dumps(told, indent=2, sort_keys=True) + "\n"


def digest(path: Path) -> str:
    """SHA-256 of a file, hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digests(paths: Sequence[Path], root: Path) -> dict[str, str]:
    """Path below ``root`` -> SHA-256, hex."""
    return {path.relative_to(root).as_posix(): digest(path) for path in paths}
