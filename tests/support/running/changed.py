"""Whether the test bed has changed, so that its own tests have to run: ``python -m tests.support.running.changed``.

Ends with 0 and says why if it has, or if nobody can tell; with 1 if it has not. Compared are the files of the work tree
with the commit where this branch left ``origin/main``, or on main itself with the last tag.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.support.running.rooms import BED

__all__ = ["main", "reason"]

#: What the test bed is made of, and what tests it.
WATCHED = ("localcluster/", "requirements/dev.txt", *BED)


def reason(repository: Path) -> str | None:
    """Why its tests have to run; None if they need not."""
    base = _base(repository)
    if base is None:
        return "there is no earlier commit to compare with"
    changed = _git(repository, "diff", "--name-only", base, "--", *WATCHED)
    if changed is None:
        return f"{base} cannot be compared with"
    return _first(changed.splitlines(), base)


def _first(paths: Iterable[str], base: str) -> str | None:
    return next((f"{path} differs from {base}" for path in paths), None)


def _base(repository: Path) -> str | None:
    """The commit to compare with: never the one that is checked out."""
    head = _git(repository, "rev-parse", "HEAD")
    fork = _git(repository, "merge-base", "HEAD", "origin/main")
    if fork is not None and fork != head:
        return fork
    return _git(repository, "describe", "--tags", "--abbrev=0", "HEAD^")


def _git(repository: Path, *arguments: str) -> str | None:
    """The output; None where git, the history or the name is not there."""
    try:
        done = subprocess.run(["git", *arguments], cwd=repository, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def main() -> int:
    """The exit code."""
    found = reason(Path(__file__).parents[3])
    print(f"tests of the test bed: {found or 'not needed, nothing of it has changed'}")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
