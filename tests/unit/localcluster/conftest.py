"""Stand-ins for the machine that localcluster runs on."""

from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from tests.support.servers.threaded import in_thread

MakeProgram = Callable[[Path, str], Path]


@pytest.fixture
def program() -> MakeProgram:
    """A function that writes a shell script to a path and makes it executable."""

    def make(path: Path, script: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A PATH of one folder, which is returned and has only the shell's own tools in it; no proxies."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "cp", "sleep", "mkdir", "chmod", "cat"):
        (tools / name).symlink_to(Path("/bin", name))
    monkeypatch.setenv("PATH", str(tools))
    for name in ("KUBEBUILDER_ASSETS", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return tools


@pytest.fixture
def website(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the URL under which a local server publishes it."""
    folder = tmp_path / "website"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    with in_thread(Quiet) as url:
        yield folder, url
