"""The order in which a binary is looked for: PATH, cache, official download, Go build. First hit wins."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from localcluster.binaries.catalog import CATALOG, Binary, Found
from localcluster.binaries.download import Downloader, DownloadError, UnpinnedError
from localcluster.binaries.gateway_api import GATEWAY_API, cached_definitions, find_definitions
from localcluster.binaries.gobuild import BuildError, GoBuilder
from localcluster.errors import BinaryUnavailableError
from localcluster.files import PARTIAL, locked, user_cache, written_whole

__all__ = ["Search", "locate"]

_Way = tuple[str, Callable[[Binary, Path], None]]

#: Set to 1, binaries are built even where one could be downloaded.
BUILD_ONLY = "LOCALCLUSTER_BUILD"

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_VERSION_SECONDS = 20


def locate(names: Iterable[str], say: Callable[[str], None] = print) -> dict[str, Path]:
    """Return the path of each name of the catalog, or ``gateway-api``; say in one line per way what came by it.

    Raises :class:`BinaryUnavailableError`, whose message names what to install.
    """
    search = Search(say=say)
    found = {name: search.find(name) for name in names}
    by_way: dict[str, list[str]] = {}
    for name, hit in found.items():
        by_way.setdefault(hit.way, []).append(name)
    for way, group in by_way.items():
        say(f"{', '.join(group)}: {way}")
    return {name: hit.path for name, hit in found.items()}


class Search:
    """Looks for binaries. What is downloaded or built goes to ``cache/<name>-<version>/<name>``."""

    def __init__(
        self,
        *,
        cache: Path | None = None,
        downloader: Downloader | None = None,
        builder: GoBuilder | None = None,
        say: Callable[[str], None] = print,
    ) -> None:
        self._cache = cache or user_cache()
        self._say = say
        self._downloader = downloader or Downloader(say=say)
        self._builder = builder or GoBuilder(self._cache, say=say)

    def find(self, name: str) -> Found:
        """Return the first hit. Raises :class:`BinaryUnavailableError`."""
        if name == GATEWAY_API:
            if hit := cached_definitions(self._cache):
                return hit
            with self._lock():
                return find_definitions(self._cache, self._downloader, self._builder)
        return self.find_binary(CATALOG[name])

    def find_binary(self, binary: Binary) -> Found:
        """Return the first hit. Raises :class:`BinaryUnavailableError`."""
        hit = self._on_path(binary) or self._in_cache(binary)
        if hit:
            return hit
        with self._lock():
            return self._in_cache(binary) or self._fetch(binary)

    def present(self, name: str) -> Path | None:
        """Where a binary of the catalog is already, on PATH or in the cache; nothing is downloaded or built."""
        hit = self._on_path(CATALOG[name]) or self._in_cache(CATALOG[name])
        return hit.path if hit else None

    def _lock(self) -> AbstractContextManager[None]:
        return locked(self._cache / "lock", lambda: self._say("waiting: another process fetches binaries"))

    def _on_path(self, binary: Binary) -> Found | None:
        for source in ("KUBEBUILDER_ASSETS", "PATH"):
            path = shutil.which(binary.name, path=os.environ.get(source, ""))
            if path and _acceptable(binary, path):
                return Found(Path(path).absolute(), f"found in {'$' * (source != 'PATH')}{source}")
        return None

    def _in_cache(self, binary: Binary) -> Found | None:
        path = self._target(binary)
        return Found(path, f"found in {self._cache}") if path.exists() else None

    def _fetch(self, binary: Binary) -> Found:
        """Download or build, under the lock, so that whatever is half done was left by a process that died."""
        target = self._target(binary)
        for leftover in target.parent.glob(f"*{PARTIAL}"):
            leftover.unlink()
        reasons = []
        for verb, way in self._ways():
            try:
                with written_whole(target, 0o755) as partial:
                    way(binary, partial)
            except (DownloadError, BuildError) as error:
                reasons.append(str(error))
                if isinstance(error, UnpinnedError):
                    self._say(str(error))
            else:
                return Found(target, f"{verb} into {self._cache}")
        raise BinaryUnavailableError(_advice(binary, reasons))

    def _ways(self) -> list[_Way]:
        """How a binary is had, in order. Both are verified by sums in ``tools``."""
        build: _Way = ("built with Go", self._builder.build)
        return [build] if os.environ.get(BUILD_ONLY) == "1" else [("downloaded", self._downloader.fetch), build]

    def _target(self, binary: Binary) -> Path:
        return self._cache / f"{binary.name}-{binary.version}" / binary.name


def _acceptable(binary: Binary, path: str) -> bool:
    """Whether the program at ``path`` runs and says a version that serves."""
    try:
        answer = subprocess.run(
            [path, *binary.version_command], capture_output=True, text=True, timeout=_VERSION_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return False
    version = _VERSION.search(answer.stdout)
    wanted = binary.version.split(".")[: binary.same]
    return version is not None and list(version.groups()[: binary.same]) == wanted


def _advice(binary: Binary, reasons: list[str]) -> str:
    tried = "".join(f"\n  - {reason}" for reason in reasons)
    return (
        f"{binary.name} {binary.version} is needed and could not be had:\n"
        f"  - not on PATH or in $KUBEBUILDER_ASSETS (accepted: {binary.accepted})\n"
        f"  - not in the cache{tried}\n"
        f"Install {binary.name} {binary.accepted} or a Go toolchain (https://go.dev/dl) and try again."
    )
