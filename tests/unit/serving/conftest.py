"""A small HTTP store on loopback, told by each test how to behave."""

import contextlib
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from io import BufferedIOBase
from pathlib import Path

import pytest

from tests.support.servers.threaded import in_thread
from tests.unit.serving.inputs import Pod

with warnings.catch_warnings():  # MLflow warns about its own type hints when it is imported
    warnings.simplefilter("ignore")
    import mlflow.pyfunc.scoring_server  # noqa: F401


@dataclass
class Store:
    """Paths and their bytes. ``cut``: answers that break after so many bytes, once each; ``status``: refusals.

    ``etag`` and ``redirect`` (a Location) by path. ``trickle``: seconds between two bytes of an answer.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cut: dict[str, list[int]] = field(default_factory=dict)
    status: dict[str, tuple[int, str]] = field(default_factory=dict)
    etag: dict[str, str] = field(default_factory=dict)
    redirect: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    trickle: float = 0.0
    seen: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    """(path, Range, Authorization) of each request."""


def _send(wire: BufferedIOBase, body: bytes, pause: float) -> None:
    """The body, whole or byte by byte."""
    for piece in [body[at : at + 1] for at in range(len(body))] if pause else [body]:
        wire.write(piece)
        time.sleep(pause)


@pytest.fixture
def store() -> Iterator[Store]:
    state = Store()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            state.seen.append((self.path, self.headers.get("Range"), self.headers.get("Authorization")))
            if path in state.redirect:
                return self._answer(302, b"", location=state.redirect[path])
            if path in state.status:
                code, text = state.status[path]
                return self._answer(code, text.encode())
            if path not in state.files:
                return self._answer(404, b"no such file")
            content = state.files[path]
            etag = state.etag.get(path)
            fresh = self.headers.get("If-Range", etag) == etag
            begin = int((self.headers.get("Range") or "bytes=0-")[6:-1]) if state.ranges and fresh else 0
            return self._answer(206 if begin else 200, content[begin:], state.cut.get(path), etag=etag)

        def _answer(self, code: int, body: bytes, cut: list[int] | None = None, **headers: str | None) -> None:
            self.send_response(code)
            for name, value in headers.items():
                if value is not None:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if cut:
                body = body[: cut.pop(0)]
                self.close_connection = True
            with contextlib.suppress(ConnectionError):  # a client may have seen enough
                _send(self.wfile, body, state.trickle)

    with in_thread(Handler) as state.url:
        yield state


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    """Where an input is brought to."""
    return Pod(tmp_path / "pod")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of two files, on a claim."""
    folder = tmp_path / "claim/set"
    (folder / "part").mkdir(parents=True)
    (folder / "a.csv").write_text("1,2\n")
    (folder / "part/b.csv").write_text("3,4\n")
    return folder
