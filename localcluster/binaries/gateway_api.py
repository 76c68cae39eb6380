"""The Gateway API's resource definitions (standard channel), by the same ways as the binaries: cache, download, Go.

The module ``sigs.k8s.io/gateway-api`` carries them as files. ``tools/gateway-api`` pins its version, with the sums of
the module (``go.sum``) and of each file (``SHA256SUMS``); the latter verify the download.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from localcluster.binaries.catalog import Found
from localcluster.binaries.download import Downloader, DownloadError
from localcluster.binaries.gobuild import TOOLS, BuildError, GoBuilder
from localcluster.errors import BinaryUnavailableError

__all__ = ["GATEWAY_API", "VERSION", "cached_definitions", "find_definitions"]

GATEWAY_API = "gateway-api"
VERSION = "1.6.1"
_FOLDER = "config/crd/standard"
_RAW = f"https://raw.githubusercontent.com/kubernetes-sigs/gateway-api/v{VERSION}/{_FOLDER}"


def cached_definitions(cache: Path) -> Found | None:
    """Return the folder if it is in the cache, where it is whole or absent: no lock is needed."""
    target = _target(cache)
    return Found(target, f"found in {cache}") if target.is_dir() else None


def find_definitions(cache: Path, downloader: Downloader, builder: GoBuilder) -> Found:
    """Return a folder of YAML files. The caller holds the cache's lock. Raises :class:`BinaryUnavailableError`."""
    if hit := cached_definitions(cache):
        return hit
    target = _target(cache)
    cache.mkdir(parents=True, exist_ok=True)
    reasons = []
    ways: tuple[tuple[str, Callable[[Path], None]], ...] = (
        ("downloaded", lambda folder: _download(folder, downloader)),
        ("taken from the Go module", lambda folder: _copy_from_module(folder, builder)),
    )
    for verb, way in ways:
        with tempfile.TemporaryDirectory(dir=cache) as temporary:
            partial = Path(temporary, target.name)
            partial.mkdir()
            try:
                way(partial)
            except (DownloadError, BuildError) as error:
                reasons.append(str(error))
            else:
                partial.replace(target)
                return Found(target, f"{verb} into {cache}")
    tried = "".join(f"\n  - {reason}" for reason in reasons)
    raise BinaryUnavailableError(
        f"the Gateway API's resource definitions could not be had:{tried}\n"
        "Install a Go toolchain (https://go.dev/dl) and try again."
    )


def _target(cache: Path) -> Path:
    return cache / f"{GATEWAY_API}-{VERSION}"


def _download(folder: Path, downloader: Downloader) -> None:
    for line in (TOOLS / GATEWAY_API / "SHA256SUMS").read_text().splitlines():
        sha256, name = line.split()
        downloader.file(f"{_RAW}/{name}", folder / name, sha256)


def _copy_from_module(folder: Path, builder: GoBuilder) -> None:
    module = json.loads(builder.run(GATEWAY_API, ["mod", "download", "-json", "sigs.k8s.io/gateway-api"]))
    for file in Path(module["Dir"], _FOLDER).glob("*.yaml"):
        shutil.copyfile(file, folder / file.name)
