"""The Gateway API's definitions come by the same ways as the binaries, and every file is the one that was pinned."""

import hashlib
import json
from pathlib import Path

import pytest

from localcluster.binaries import gateway_api
from localcluster.binaries.download import Downloader
from localcluster.binaries.gateway_api import GATEWAY_API, VERSION, find_definitions
from localcluster.binaries.gobuild import TOOLS, BuildError, GoBuilder
from localcluster.binaries.search import Search
from localcluster.errors import BinaryUnavailableError
from localcluster.files import locked

Website = tuple[Path, str]
FILES = {"a.yaml": b"kind: A\n", "b.yaml": b"kind: B\n"}


class Go(GoBuilder):
    """A Go that has downloaded a module, or cannot."""

    def __init__(self, module: Path | None) -> None:
        self._module = module

    def run(self, folder: str, arguments: list[str]) -> str:
        assert (folder, arguments[:3]) == ("gateway-api", ["mod", "download", "-json"])
        if self._module is None:
            raise BuildError("no Go")
        return json.dumps({"Dir": str(self._module)})


@pytest.fixture
def pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, website: Website) -> Path:
    """Pin FILES instead of the real ones; the folder that the web serves is returned, still empty."""
    sums = tmp_path / "tools" / "gateway-api" / "SHA256SUMS"
    sums.parent.mkdir(parents=True)
    sums.write_text("".join(f"{hashlib.sha256(text).hexdigest()}  {name}\n" for name, text in FILES.items()))
    folder, url = website
    monkeypatch.setattr(gateway_api, "TOOLS", tmp_path / "tools")
    monkeypatch.setattr(gateway_api, "_RAW", url)
    return folder


@pytest.fixture
def module(tmp_path: Path) -> Path:
    folder = tmp_path / "module"
    _write(folder / "config" / "crd" / "standard")
    return folder


def _write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        (folder / name).write_bytes(text)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def silent() -> Downloader:
    return Downloader(connect_seconds=0.3, say=lambda _: None)


def test_by_download_then_from_the_cache(pinned: Path, tmp_path: Path) -> None:
    _write(pinned)
    cache = tmp_path / "cache"
    first = find_definitions(cache, silent(), Go(None))
    assert contents(first.path) == FILES
    assert first.way == f"downloaded into {cache}"
    assert find_definitions(cache, silent(), Go(None)).way == f"found in {cache}"
    assert [path.name for path in cache.iterdir()] == [f"gateway-api-{VERSION}"]


def test_from_the_cache_while_another_process_fetches(tmp_path: Path) -> None:
    (tmp_path / f"gateway-api-{VERSION}").mkdir()
    search = Search(cache=tmp_path, say=pytest.fail)  # it would say that it waits
    with locked(tmp_path / "lock"):
        assert search.find(GATEWAY_API).way == f"found in {tmp_path}"


@pytest.mark.parametrize("served", [{}, {**FILES, "b.yaml": b"kind: Bad\n"}], ids=["missing", "changed"])
def test_by_go_where_the_download_fails(pinned: Path, module: Path, tmp_path: Path, served: dict[str, bytes]) -> None:
    for name, text in served.items():
        (pinned / name).write_bytes(text)
    found = find_definitions(tmp_path / "cache", silent(), Go(module))
    assert contents(found.path) == FILES
    assert found.way.startswith("taken from the Go module")


def test_by_no_way(pinned: Path, tmp_path: Path) -> None:
    with pytest.raises(BinaryUnavailableError, match=r"answers 404(.|\n)*no Go(.|\n)*Install a Go toolchain"):
        find_definitions(tmp_path / "cache", silent(), Go(None))
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_version_is_the_pinned_modules() -> None:
    assert f"sigs.k8s.io/gateway-api v{VERSION}\n" in (TOOLS / "gateway-api" / "go.mod").read_text()
