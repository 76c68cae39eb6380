"""Official downloads: verified by their published sum, and given up quickly where there is no network."""

import hashlib
import io
import re
import socket
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcluster.binaries import __main__ as command
from localcluster.binaries.catalog import CATALOG, Binary, GoPackage, Release
from localcluster.binaries.download import Downloader, DownloadError, UnpinnedError, pinned_sums, published_sum

CONTENT = b"#!/bin/sh\necho v1.2.3\n"
GO = GoPackage("none", "example.org/none")
PLATFORMS = ("amd64", "arm64", "ppc64le", "s390x")
Website = tuple[Path, str]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def tool(url: str, member: str | None = None) -> Binary:
    return Binary("tool", "1.2.3", GO, Release(f"{url}/tool", f"{url}/sums", member))


@pytest.fixture
def downloader(bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> Downloader:
    """Of somebody who trusts the hosts."""
    monkeypatch.setenv("LOCALCLUSTER_DOWNLOAD", "1")
    return Downloader(connect_seconds=0.3, say=lambda _: None, sums={})


def pinned(url: str, sum_: str) -> Downloader:
    return Downloader(connect_seconds=0.3, say=lambda _: None, sums={url: sum_})


def test_a_plain_file(website: Website, downloader: Downloader, tmp_path: Path) -> None:
    folder, url = website
    (folder / "tool").write_bytes(CONTENT)
    (folder / "sums").write_text(f"{sha256(b'')}  other\n{sha256(CONTENT)}  tool\n")
    downloader.fetch(tool(url), tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == CONTENT


@pytest.mark.usefixtures("bare_machine")
@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_file_whose_sum_is_here_is_checked_by_that_and_no_host_is_asked(
    website: Website, tmp_path: Path, algorithm: str
) -> None:
    folder, url = website
    (folder / "tool").write_bytes(CONTENT)
    downloader = pinned(f"{url}/tool", hashlib.new(algorithm, CONTENT).hexdigest())
    downloader.fetch(tool(url), tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == CONTENT
    (folder / "tool").write_bytes(b"tampered")
    (folder / "sums").write_text(sha256(b"tampered"))
    with pytest.raises(DownloadError, match=f"has the {algorithm}"):
        downloader.fetch(tool(url), tmp_path / "other")


@pytest.mark.usefixtures("bare_machine")
def test_a_file_without_a_sum_here_is_not_downloaded(website: Website, tmp_path: Path) -> None:
    folder, url = website
    (folder / "tool").write_bytes(CONTENT)
    (folder / "sums").write_text(sha256(CONTENT))
    downloader = pinned(f"{url}/another", sha256(CONTENT))
    with pytest.raises(UnpinnedError, match=rf"no sum of {url}/tool .LOCALCLUSTER_DOWNLOAD=1 trusts its host"):
        downloader.fetch(tool(url), tmp_path / "got")
    assert not (tmp_path / "got").exists()


@pytest.mark.usefixtures("bare_machine")
def test_an_archive_of_several_binaries_is_downloaded_once(website: Website, tmp_path: Path) -> None:
    folder, url = website
    packed = archive("bin/one", "bin/two")
    (folder / "tool").write_bytes(packed)
    downloader = pinned(f"{url}/tool", sha256(packed))
    downloader.fetch(tool(url, "bin/one"), tmp_path / "one")
    (folder / "tool").unlink()
    downloader.fetch(tool(url, "bin/two"), tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes() == CONTENT
    assert {path.name for path in tmp_path.iterdir()} == {"bin", "website", "one", "two"}


def test_each_sum_is_of_a_file_that_is_used() -> None:
    """And the control plane, which takes longest to build, has one for both common platforms."""
    used = {binary.release.url for binary in CATALOG.values() if binary.release is not None}
    platforms = {re.sub(r"(?<=linux-)\w+", platform, url) for url in used for platform in PLATFORMS}
    sums = pinned_sums()
    assert set(sums) <= platforms
    assert all(re.fullmatch(r"[0-9a-f]{64}|[0-9a-f]{128}", one) for one in sums.values())
    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"):
        release = CATALOG[name].release
        assert release is not None
        assert {re.sub(r"(?<=linux-)\w+", one, release.url) for one in ("amd64", "arm64")} <= set(sums)


@pytest.mark.usefixtures("bare_machine")
def test_the_command_says_what_hosts_say_about_files_without_a_sum(
    website: Website, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, url = website
    (folder / "sums").write_text(sha256(CONTENT))
    lost = Binary("lost", "1.2.3", GO, Release(f"{url}/lost", f"{url}/nowhere"))
    monkeypatch.setattr(command, "CATALOG", {"tool": tool(url), "lost": lost, "built": Binary("built", "1", GO)})
    assert command.main() == 1
    said = capsys.readouterr()
    assert said.out == f"{sha256(CONTENT)}  {url}/tool\n"
    assert "nowhere answers 404" in said.err


def archive(*members: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for member in members:
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
    with pytest.raises(DownloadError, match=f"and not {sha256(CONTENT)}"):
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


SUM = "abcd" * 16


@pytest.mark.parametrize(
    "listing",
    [
        SUM,
        f"{SUM}\n",
        f"{SUM.upper()}  tool",
        f"{SUM} *tool",
        f"{SUM}  ./tool",
        f"{'f' * 64}  another-tool\n{SUM}  tool",
    ],
)
def test_published_sums(listing: str) -> None:
    assert published_sum(listing, "tool") == SUM


@pytest.mark.parametrize(
    "listing", ["", f"{SUM}  toolbox", "<html> <body>", "abc  tool", f"{SUM}  tool\n{'f' * 64}  tool", "x" * 64]
)
def test_a_listing_without_the_file(listing: str) -> None:
    with pytest.raises(DownloadError, match="no published sum for tool"):
        published_sum(listing, "tool")
