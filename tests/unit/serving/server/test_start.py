"""What ``rollmodel serve`` does, and refuses, before it loads anything."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from rollmodel.serving.server import main as server


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """A server ends its process on SIGTERM; here the process is pytest."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "termination-log"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "MLmodel").write_text("flavors: {}\n")
    return folder


def test_a_folder_without_model(tmp_path: Path, log: Path) -> None:
    assert server.main(["--model", str(tmp_path), "--termination-log", str(log)]) == 1
    assert log.read_text() == f"NoModel: there is no MLmodel in {tmp_path}\n"


def test_an_image_without_what_the_model_wants(model: Path, log: Path) -> None:
    (model / "requirements.txt").write_text("scikit-learn==0.24.2\nno-such-package==1\n")
    assert server.main(["--model", str(model), "--termination-log", str(log)]) == 1
    assert log.read_text().startswith("IncompatibleEnvironment: model wants scikit-learn==0.24.2, image has ")
    assert log.read_text().endswith("no-such-package==1, image has none\n")


def test_a_port_that_is_taken(model: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLMODEL_LISTEN_ADDRESS", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert server.main(["--model", str(model), "--port", str(port), "--termination-log", str(log)]) == 1
    assert log.read_text() == f"CannotListen: port {port}: Address already in use\n"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_connections_are_accepted_without_nagles_delay(host: str) -> None:
    delayed: list[int] = []

    def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        delayed.append(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listener = server._bound(host, 0)
    async with await asyncio.start_server(accept, sock=listener):
        reader, writer = await asyncio.open_connection(*listener.getsockname()[:2])
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
    assert delayed == [1]
