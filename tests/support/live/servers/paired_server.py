"""A model server whose answers are compared: ``python paired_server.py --model FOLDER``, our pairs around no model.

``answers.json`` of its model says of how many in a hundred requests it answers something else than others do. There is
no cluster DNS on the local cluster: the addresses behind the Service come from the file ``$PAIRS_ADDRESSES``. It is
written ``file:/path``, which the node takes for no path of the pod.
"""

import argparse
import json
import os
import zlib
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from rollmodel.serving.pairs import collector
from rollmodel.serving.pairs.start import Pairs, start_pairs
from rollmodel.serving.server.metrics import ServerMetrics

ANSWERS = "answers.json"
ADDRESSES = "PAIRS_ADDRESSES"


def addresses_of(service: str, port: int) -> Sequence[str]:
    """The addresses of a Service, as the test wrote them down."""
    del port
    file = Path(os.environ[ADDRESSES].removeprefix("file:"))
    found: dict[str, list[str]] = json.loads(file.read_text()) if file.exists() else {}
    return found.get(service, [])


def handler(odd: int, metrics: ServerMetrics, pairs: Pairs) -> type[BaseHTTPRequestHandler]:
    """The class that answers requests."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65536

        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            self._answer(metrics.render() if self.path == "/metrics" else b"")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path == "/pairs":
                self._answer(pairs.answered(body))
                return
            pairs.begin(body, (self.headers.get("Content-Type") or "").encode())
            answer = [float(zlib.crc32(body) % 100 < odd)]
            if (kept := pairs.before(None)) is not None:
                pairs.after(kept, answer)
            metrics.observe(200, 0.001)
            self._answer(json.dumps(answer).encode())

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    odd = int(json.loads((parser.parse_args().model / ANSWERS).read_text()))
    collector.addresses_of = addresses_of  # type: ignore[assignment]
    metrics = ServerMetrics({"model_id": "paired"})
    host = os.environ.get("ROLLMODEL_LISTEN_ADDRESS", "127.0.0.1")
    ThreadingHTTPServer((host, 8080), handler(odd, metrics, start_pairs(metrics.registry))).serve_forever()


if __name__ == "__main__":
    main()
