"""A model server whose traffic makes itself: ``python drifting_server.py``, beside the ``profile.json`` of its model.

Our own counting and metrics around no model at all. Each second a few hundred rows come, as in the profile until a
request says ``{"mode": "..."}``: `older` (also where it says nothing, and from the start where a file ``older`` lies
there), `odd`, `silent` (requests without rows), `usual`, or `dies`, which ends the process.
"""

import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
from rollmodel.serving.drift.start import Counting, start_counting
from rollmodel.serving.server.metrics import ServerMetrics

ROWS = 50
EVERY_SECONDS = 0.25
OLDER = "older"
mode = {"now": "usual"}


def rows(rng: np.random.Generator, count: int, *, older: bool) -> pd.DataFrame:
    """Rows of the made-up world."""
    return pd.DataFrame(
        {
            "age": rng.normal(50.0 if older else 40.0, 10.0, count),
            "visits": rng.poisson(3, count),
            "height": rng.normal(170.0, 10.0, count),
            "weight": rng.normal(70.0, 10.0, count),
            "income": rng.lognormal(8.0, 0.5, count),
            "plan": rng.choice(["basic", "gold"], count, p=[0.7, 0.3]),
        }
    )


def odd(data: pd.DataFrame) -> pd.DataFrame:
    """A column that is missing, one that is infinite, one that is constant, one of a new category, and a new name."""
    changed = data.assign(height=np.nan, weight=np.inf, visits=3, plan="platinum")
    return changed.rename(columns={"income": "salary"})


def main() -> None:
    """Serve until killed."""
    if (Path(__file__).parent / OLDER).exists():
        mode["now"] = OLDER
    counting = start_counting(Path(__file__).parent)
    metrics = ServerMetrics({"model_id": "drifting"}, counting.metrics)
    threading.Thread(target=come, args=(counting, metrics), daemon=True).start()
    host = os.environ.get("ROLLMODEL_LISTEN_ADDRESS", "127.0.0.1")
    ThreadingHTTPServer((host, 8080), handler(metrics)).serve_forever()


def come(counting: Counting, metrics: ServerMetrics) -> None:
    """Rows come, for ever."""
    rng = np.random.default_rng(os.getpid())
    while True:
        data, now = rows(rng, ROWS, older=mode["now"] == OLDER), mode["now"]
        if counting.recorder is not None and now != "silent":
            counting.recorder.after(odd(data) if now == "odd" else data, rng.random(ROWS))
        metrics.observe(200, 0.001)
        time.sleep(EVERY_SECONDS)


def handler(metrics: ServerMetrics) -> type[BaseHTTPRequestHandler]:
    """The class that answers requests. It shares lines with the other servers here: a model carries one file."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            self._answer(metrics.render() if self.path == "/metrics" else b"")

        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            mode["now"] = said.get("mode", OLDER)
            self._answer(f"{mode['now']} from now on".encode())
            if mode["now"] == "dies":
                os._exit(1)

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


if __name__ == "__main__":
    main()
