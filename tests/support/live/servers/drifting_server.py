"""A model server whose traffic makes itself: ``python drifting_server.py``, beside the ``profile.json`` of its model.

Our own counting and metrics around no model at all. Each second a few hundred rows come, as in the profile until the
first request for an inference, and others from then on, or from the start where a file ``older`` lies there.
"""

import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
from rollmodel.serving.drift.start import start_counting
from rollmodel.serving.server.metrics import ServerMetrics

ROWS = 50
EVERY_SECONDS = 0.25
OLDER = "older"
drifts = threading.Event()


def rows(rng: np.random.Generator, count: int, *, older: bool) -> pd.DataFrame:
    """Rows of the made-up world."""
    return pd.DataFrame({"age": rng.normal(50.0 if older else 40.0, 10.0, count), "visits": rng.poisson(3, count)})


def main() -> None:
    """Serve until killed."""
    if (Path(__file__).parent / OLDER).exists():
        drifts.set()
    counting = start_counting(Path(__file__).parent)
    metrics = ServerMetrics({"model_id": "drifting"}, counting.metrics)
    recorder = counting.recorder
    assert recorder is not None

    def come() -> None:
        rng = np.random.default_rng(os.getpid())
        while True:
            recorder.after(rows(rng, ROWS, older=drifts.is_set()), rng.random(ROWS))
            metrics.observe(200, 0.001)
            time.sleep(EVERY_SECONDS)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            self._answer(metrics.render() if self.path == "/metrics" else b"")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            drifts.set()
            self._answer(b"older from now on")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    threading.Thread(target=come, daemon=True).start()
    host = os.environ.get("ROLLMODEL_LISTEN_ADDRESS", "127.0.0.1")
    ThreadingHTTPServer((host, 8080), Handler).serve_forever()


if __name__ == "__main__":
    main()
