"""A model server that starts at once: ``python light_server.py --model FOLDER``.

For tests in which the server is not the point. It speaks as ours does (``/ready /ping /invocations /metrics``, with the
same metrics), and does what ``behaviour.json`` of its model says. Standard library only; no import of ours.
"""

import argparse
import json
import os
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BEHAVIOUR = "behaviour.json"
EDGES = (0.005, 0.05, 0.25, 1.0)
#: What a cold answer takes, beyond the second of these.
COLD_SECONDS = 0.1
#: Multiples of it are spread evenly between whole numbers.
GOLDEN = 0.6180339887


@dataclass(frozen=True)
class Behaviour:
    """What a model does. ``name``: its answer; ``errors``: share of requests answered with 500;

    ``crash_after``: requests until the process dies; ``ready``: whether it ever gets ready; ``cold``: requests in
    which the caches of each process get warm: the first is answered slowly, half of those in the middle, then none.
    """

    name: str = "model"
    errors: float = 0.0
    crash_after: int | None = None
    ready: bool = True
    cold: int = 0


@dataclass
class Books:
    """What was answered, by status, and how long it took."""

    codes: Counter[int] = field(default_factory=lambda: Counter({200: 0, 500: 0}))
    fast: Counter[float] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, code: int, seconds: float) -> None:
        with self.lock:
            self.codes[code] += 1
            self.fast.update(edge for edge in EDGES if seconds <= edge)

    def exposition(self) -> str:
        with self.lock:
            lines = [f'rollmodel_server_requests_total{{code="{code}"}} {n}' for code, n in sorted(self.codes.items())]
            bucket, total = "rollmodel_server_request_duration_seconds_bucket", sum(self.codes.values())
            lines += [f'{bucket}{{le="{edge}"}} {self.fast[edge]}' for edge in EDGES]
            lines.append(f'{bucket}{{le="+Inf"}} {total}')
        return "\n".join(lines) + "\n"


def handler(behaviour: Behaviour, books: Books) -> type[BaseHTTPRequestHandler]:
    """The class that answers requests."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65536  # headers and body in one packet

        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                self._answer(200, books.exposition())
            elif path == "/ready":
                self._answer(200 if behaviour.ready else 503, "")
            else:
                self._answer(200 if path == "/ping" else 404, "")

        def do_POST(self) -> None:
            began = time.monotonic()
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            number = sum(books.codes.values()) + 1
            if behaviour.crash_after is not None and number > behaviour.crash_after:
                sys.stderr.write("out of luck\n")
                sys.stderr.flush()
                os._exit(1)
            if number <= behaviour.cold and number * GOLDEN % 1 > number / behaviour.cold:
                time.sleep(COLD_SECONDS)
            failing = int(number * behaviour.errors) > int((number - 1) * behaviour.errors)
            code = 500 if failing else 200
            books.enter(code, time.monotonic() - began)
            self._answer(code, behaviour.name)

        def _answer(self, code: int, text: str) -> None:
            body = text.encode()
            self.send_response(code)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--port", type=int, default=8080)
    arguments = parser.parse_args()
    behaviour = Behaviour(**json.loads((arguments.model / BEHAVIOUR).read_text()))
    host = os.environ.get("ROLLMODEL_LISTEN_ADDRESS", "127.0.0.1")
    ThreadingHTTPServer((host, arguments.port), handler(behaviour, Books())).serve_forever()


if __name__ == "__main__":
    main()
