"""``python -m charts.release FOLDER``: everything that a release consists of, but for the images.

Wheel and source archive, chart, one manifest for kubectl, for each image a list of its parts (SBOM, CycloneDX), and the
SHA-256 sums of them all; and where all that comes from (provenance).
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml
from rollmodel import __version__

from charts import provenance
from charts.__main__ import CHART, REPOSITORY
from localcluster.binaries import locate

__all__ = ["SUMS", "main", "manifest"]

SUMS = "SHA256SUMS"
#: A login in the address of a repository.
_LOGIN = re.compile(r"//[^/@]*@")
#: Image -> the packages that are pinned for it.
_PINNED = {"operator": "requirements/operator.txt", "server": "requirements/server.txt"}


def main(argv: Sequence[str] | None = None) -> int:
    """Make a release in an empty folder. Raises CalledProcessError where a tool fails."""
    parser = argparse.ArgumentParser(prog="python -m charts.release", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the files go; it must be empty or missing")
    folder: Path = parser.parse_args(argv).folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        parser.error(f"{folder} is not empty")
    _run("uv", "build", "--quiet", "--out-dir", str(folder), str(REPOSITORY))
    (folder / ".gitignore").unlink(missing_ok=True)
    _run(str(locate(["helm"])["helm"]), "package", str(CHART), "--destination", str(folder))
    (folder / f"rollmodel-{__version__}.yaml").write_text(manifest(), encoding="utf-8")
    for image, file in _PINNED.items():
        target = folder / f"rollmodel-{image}-{__version__}.cdx.json"
        parts = ("--pyproject", str(REPOSITORY / "pyproject.toml"), "--output-reproducible", "-o", str(target))
        _run(str(Path(sys.executable).with_name("cyclonedx-py")), "requirements", *parts, str(REPOSITORY / file))
    _write_provenance(folder)
    sums = "".join(f"{provenance.digest(file)}  {file.name}\n" for file in sorted(folder.iterdir()))
    (folder / SUMS).write_text(sums, encoding="utf-8")
    sys.stdout.write(sums)
    return 0


def manifest() -> str:
    """All objects of ``kustomization.yaml`` in one file, in its order."""
    names = yaml.safe_load((REPOSITORY / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    parts = [(REPOSITORY / name).read_text(encoding="utf-8").removeprefix("---\n").rstrip() for name in names]
    return "\n---\n".join(parts) + "\n"


def _write_provenance(folder: Path) -> None:
    """What the files that are there were made of."""
    told = provenance.statement(
        provenance.digests(sorted(folder.iterdir()), folder),
        version=__version__,
        repository=_LOGIN.sub("//", _git("config", "--get", "remote.origin.url")) or "https://rollmodel.dev/repository",
        commit=_git("rev-parse", "HEAD"),
        clean=not _git("status", "--porcelain"),
        inputs=provenance.digests(sorted((REPOSITORY / "requirements").glob("*.txt")), REPOSITORY),
        builder=os.environ.get("ROLLMODEL_BUILDER_ID", provenance.BUILDER),
    )
    (folder / f"rollmodel-{__version__}.provenance.json").write_text(provenance.text(told), encoding="utf-8")


def _git(*command: str) -> str:
    """What git says; empty where it has no answer."""
    asked = ["git", "-C", str(REPOSITORY), *command]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()


def _run(*command: str) -> None:
    time = _git("log", "-1", "--format=%ct")
    subprocess.run(command, env={**os.environ, "SOURCE_DATE_EPOCH": time}, check=True)


if __name__ == "__main__":
    sys.exit(main())
