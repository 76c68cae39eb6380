"""The release before this one, as git remembers it: its chart, and the code that its operator runs."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = ["Earlier", "earlier"]

REPOSITORY = Path(__file__).parents[2]
#: Until there is a tag: a commit of before most fields of status, the published paths of a route, and the elections.
BEFORE_TAGS = "1216e8dc8b4907c8ee025b262fbfc1859e8906c7"


@dataclass(frozen=True)
class Earlier:
    """An unpacked release. ``name`` is its tag or its commit."""

    name: str
    folder: Path

    @property
    def chart(self) -> Path:
        """Its chart."""
        return self.folder / "charts" / "rollmodel"


def earlier(folder: Path) -> Earlier:
    """Unpack it. Skips where git does not have it, as in a shallow clone; under CI that is a failure."""
    tag = _git("describe", "--tags", "--abbrev=0", "HEAD^").stdout.decode().strip()
    name = tag or BEFORE_TAGS
    archive = _git("archive", "--format=tar", name, "charts", "operator", "localcluster", "pyproject.toml")
    if archive.returncode != 0:
        missing = f"git does not have {name}: {archive.stderr.decode(errors='replace').strip()}"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return Earlier(name, folder)


def _git(*command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", "-C", str(REPOSITORY), *command], capture_output=True, check=False)
