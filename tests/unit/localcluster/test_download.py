"""Official downloads: verified by their published sum, and given up quickly where there is no network."""

import hashlib
import io
import socket
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcluster.binaries.catalog import Binary, GoPackage, Release
from localcluster.binaries.download import Downloader, DownloadError, published_sum

CONTENT = b"#!/bin/sh\necho v1.2.3\n"
GO = GoPackage("none", "example.org/none")
Website = tuple[Path, str]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def tool(url: str, member: str | None = None) -> Binary:
    return Binary("tool", "1.2.3", GO, Release(f"{url}/tool", f"{url}/sums", member))


@pytest.fixture
def downloader(bare_machine: Path) -> Downloader:
    return Downloader(connect_seconds=0.3, say=lambda _: None)


def test_a_plain_file(website: Website, downloader: Downloader, tmp_path: Path) -> None:
    folder, url = website
    (folder / "tool").write_bytes(CONTENT)
    (folder / "sums").write_text(f"{sha256(b'')}  other\n{sha256(CONTENT)}  tool\n")
    downloader.fetch(tool(url), tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == CONTENT


def archive(member: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        entry = tarfile.TarInfo(member)
        entry.size = len(CONTENT)
        tar.addfile(entry, io.BytesIO(CONTENT))
    return buffer.getvalue()


def test_a_file_in_an_archive(website: Website, downloader: Downloader, tmp_path: Path) -> None:
    folder, url = website
    packed = archive("tool-1.2.3/tool")
    (folder / "tool").write_bytes(packed)
    (folder / "sums").write_text(sha256(packed))
    downloader.fetch(tool(url, "tool-1.2.3/tool"), tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == CONTENT
    with pytest.raises(DownloadError, match="no elsewhere in"):
        downloader.fetch(tool(url, "elsewhere"), tmp_path / "got")
    assert {path.name for path in tmp_path.iterdir()} == {"bin", "website", "got"}


def test_a_wrong_sum_is_refused(website: Website, downloader: Downloader, tmp_path: Path) -> None:
    folder, url = website
    (folder / "tool").write_bytes(CONTENT[:-1])
    (folder / "sums").write_text(sha256(CONTENT))
    with pytest.raises(DownloadError, match=f"published is {sha256(CONTENT)}"):
        downloader.fetch(tool(url), tmp_path / "got")


def test_a_missing_file_is_named(website: Website, downloader: Downloader, tmp_path: Path) -> None:
    _, url = website
    with pytest.raises(DownloadError, match="/sums answers 404"):
        downloader.fetch(tool(url), tmp_path / "got")


def test_without_published_sums_nothing_is_downloaded(downloader: Downloader, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="publishes no sums"):
        downloader.fetch(Binary("tool", "1.2.3", GO), tmp_path / "got")


def test_a_host_without_address(downloader: Downloader) -> None:
    with pytest.raises(DownloadError, match=r"nowhere\.invalid cannot be reached"):
        downloader.text("https://nowhere.invalid/tool")


def test_a_resolver_that_never_answers(downloader: Downloader, monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    asked = []

    def getaddrinfo(host: str, *_: object) -> list[object]:
        asked.append(host)
        never.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    for _ in range(3):
        with pytest.raises(DownloadError, match="no answer from the resolver"):
            downloader.text("https://silent.example/tool")
    never.set()
    assert asked == ["silent.example"]


@pytest.fixture
def mute_server() -> Iterator[str]:
    """A server that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_server_that_never_answers(downloader: Downloader, mute_server: str) -> None:
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1 cannot be reached \(timed out\)"):
        downloader.text(f"{mute_server}/tool")


@pytest.mark.parametrize(
    "listing", ["abc", "abc\n", "ABC  tool", "abc *tool", "abc  ./tool", "fff  another-tool\nabc  tool\n"]
)
def test_published_sums(listing: str) -> None:
    assert published_sum(listing, "tool") == "abc"


@pytest.mark.parametrize("listing", ["", "abc  toolbox", "<html> <body>"])
def test_a_listing_without_the_file(listing: str) -> None:
    with pytest.raises(DownloadError, match="no published sum for tool"):
        published_sum(listing, "tool")
