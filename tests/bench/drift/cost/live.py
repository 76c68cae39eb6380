"""DriftPolicies against a real Prometheus, all at once: an hour is a minute here, so they ask sixty times as often.

    python -m tests.bench.drift.cost.live [--policies 300] [--minutes 15]

Each has a model with 30 features and a score, whose counts a server shows as ours does; Prometheus scrapes each every
10 s. The operator's parts are the real ones, with the client of Prometheus, but for the API server, which is in memory
(and its time is counted). Prints CPU and memory of both for the last third of the time, and what is true at rest.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import socket
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import Counter as Requests
from rollmodel.adapters.prometheus.client import Prometheus
from rollmodel.plan.decision import Ref
from rollmodel.plan.deployment.analysis.promql import OWNER_LABEL, REVISION_LABEL
from rollmodel.plan.drift.decide import counted_from, decide
from rollmodel.plan.drift.observed import DriftDefaults
from rollmodel.ports.prometheus import Series
from rollmodel.profile import build_profile
from rollmodel.reconcile.connections import Connections
from rollmodel.reconcile.drift.gather import DriftGatherer
from rollmodel.reconcile.drift.kind import drift_policies
from rollmodel.reconcile.execute import Executor
from rollmodel.reconcile.reconciler import Parts, reconciler_of
from rollmodel.reconcile.references import References
from rollmodel.runtime.clock import SystemClock
from rollmodel.serving.drift.exposition import DriftMetrics
from rollmodel.serving.drift.recorder import Recorder
from rollmodel.serving.drift.signals import signals_of

from localcluster.binaries import locate
from localcluster.network import http_ok
from tests.bench.drift.cost.scale import FEATURES, REVISION, policy, resident, status_bytes
from tests.support.inmemory.kube import InMemoryKube
from tests.support.inmemory.neighbours import InMemoryRegistry

STEP, ROWS = 60, 500
WINDOWS = [STEP, 6 * STEP, 10 * STEP, 14 * STEP]


class Model:
    """What a model server shows of its profile and its counts: 500 rows in a minute, as in training."""

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        columns: dict[str, Any] = {f"f{index}": rng.normal(size=10_000) for index in range(FEATURES)}
        score = rng.random(10_000)
        profile = build_profile(columns, score=score, target=(rng.random(10_000) < score).astype(int))
        signals, _ = signals_of(profile)
        self._recorder, self._rng, self._registry = Recorder(signals), rng, CollectorRegistry()
        self._registry.register(DriftMetrics(profile, signals, self._recorder))
        self._requests = Requests("rollmodel_server_requests", "Requests.", registry=self._registry)
        self._begun, self._asked, self._lock = time.monotonic(), 0, threading.Lock()
        self._text, self._until = b"", 0.0

    def shown(self) -> bytes:
        """The page of now; the same one for a second."""
        with self._lock:
            if time.monotonic() > self._until:
                due = int((time.monotonic() - self._begun) * ROWS / STEP) - self._asked
                if due:
                    names = [f"f{index}" for index in range(FEATURES)]
                    rows = pd.DataFrame(self._rng.normal(size=(due, FEATURES)), columns=names)
                    self._recorder.after(self._recorder.before(rows), self._rng.random(due))
                    self._recorder.wait()
                    self._requests.inc(due)
                    self._asked += due
                self._text, self._until = generate_latest(self._registry), time.monotonic() + 1.0
            return self._text


def export(told: Connection) -> None:
    """Serve it in this process, and tell the port."""
    model = Model()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            content = model.shown()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.send(server.server_address[1])
    server.serve_forever()


@contextmanager
def scraped(policies: int) -> Iterator[tuple[str, int]]:
    """A real Prometheus with a target for each policy: its address, and its process."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    exporter = spawn.Process(target=export, args=(theirs,), daemon=True)
    exporter.start()
    port, targets = ours.recv(), []
    for number in range(policies):
        labels = {"namespace": f"team-{number}", OWNER_LABEL: "churn", REVISION_LABEL: REVISION}
        targets.append({"targets": [f"127.0.0.1:{port}"], "labels": labels})
    jobs = [{"job_name": "models", "static_configs": targets}]
    content = {"global": {"scrape_interval": "10s", "scrape_timeout": "10s"}, "scrape_configs": jobs}
    with tempfile.TemporaryDirectory() as folder:
        address = _free_address()
        file = Path(folder) / "prometheus.yml"
        file.write_text(yaml.safe_dump(content), encoding="utf-8")
        binary = locate(["prometheus"])["prometheus"]
        command = [str(binary), f"--config.file={file}", f"--storage.tsdb.path={folder}/data", "--log.level=error"]
        process = subprocess.Popen([*command, f"--web.listen-address={address}"])
        try:
            while not http_ok(f"http://{address}/-/ready"):
                time.sleep(0.2)
            yield f"http://{address}", process.pid
        finally:
            process.terminate()
            process.wait()
            exporter.terminate()


def _free_address() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{one.getsockname()[1]}"


class Counted:
    """The client of Prometheus, which counts what it is asked."""

    def __init__(self, url: str) -> None:
        self._client, self.asked, self.points = Prometheus(url), 0, 0

    async def query_range(self, query: str, *, start: float, end: float, step: float) -> Sequence[Series]:
        """One query."""
        found = await self._client.query_range(query, start=start, end=end, step=step)
        self.asked += 1
        self.points += sum(len(one.points) for one in found)
        return found


@dataclass(frozen=True, slots=True)
class Used:
    """What was used until a moment: seconds of CPU, queries, points of answers and writes."""

    own: float
    theirs: float
    asked: int
    points: int
    writes: int

    @classmethod
    def now(cls, metrics: Counted, kube: InMemoryKube, server: int) -> Used:
        """Until now."""
        return cls(time.process_time(), cpu_of(server), metrics.asked, metrics.points, len(kube.writes))


async def measure(policies: int, minutes: int, url: str, server: int) -> None:
    """Print what the last third of the time took, and what rest takes."""
    kube, clock, metrics = InMemoryKube(), SystemClock(), Counted(url)
    gatherer = DriftGatherer(
        kube=kube, metrics=metrics, clock=clock, defaults=DriftDefaults(), counted_from=counted_from
    )
    executor = Executor(kube, InMemoryRegistry(), clock=lambda: clock.now().timestamp())
    parts = Parts(executor, Connections(kube, default=None, read_secrets=False), References(lambda _: None), clock)
    operator = reconciler_of(drift_policies(gatherer, decide=decide), parts)
    memory = resident()
    more = {
        "windowSeconds": WINDOWS,
        "source": {"metrics": {"stepSeconds": STEP}},
        "holdOff": {"afterRolloutSeconds": 0},
    }
    more["dependence"] = {"quietWindows": 10}
    refs = [policy(kube, clock.now(), number, **more) for number in range(policies)]

    async def pass_over() -> None:
        for ref in refs:
            while (await operator.reconcile(kube.objects[ref])).wrote:
                pass

    await pass_over()
    measured, took, begun = minutes // 3, list[float](), Used.now(metrics, kube, server)
    for minute in range(minutes):
        await asyncio.sleep(STEP - time.time() % STEP + 12.0)  # until the last scrape of the minute is in
        if minute == minutes - measured:
            begun = Used.now(metrics, kube, server)
        start = time.monotonic()
        await pass_over()
        took.append(time.monotonic() - start)
    used, looks = Used.now(metrics, kube, server), measured * policies
    print(
        f"{policies} policies, {measured} looks each, of which all took {np.mean(took[-measured:]):.1f} s:"
        f" a look is {(used.asked - begun.asked) / looks:.1f} queries with {(used.points - begun.points) / looks:.0f}"
        f" points, {1e3 * (used.own - begun.own) / looks:.1f} ms of CPU of the operator and"
        f" {1e3 * (used.theirs - begun.theirs) / looks:.1f} ms of Prometheus (scraping included),"
        f" {(used.writes - begun.writes) / looks:.2f} writes; status {status_bytes(kube, refs[0])} bytes"
    )
    print(f"memory: operator {(resident() - memory) / 1e6:.0f} MB more, Prometheus {resident(server) / 1e6:.0f} MB")
    begun, rest = Used.now(metrics, kube, server), time.process_time()
    await pass_over()
    used = Used.now(metrics, kube, server)
    print(
        f"at rest: {used.asked - begun.asked} queries, {used.writes - begun.writes} writes,"
        f" {1e3 * (time.process_time() - rest) / policies:.2f} ms of CPU a pass"
    )
    states = Counter(ready(kube, ref) for ref in refs)
    print(f"they say: {dict(states)}")


def ready(kube: InMemoryKube, ref: Ref) -> str:
    """What a policy says."""
    return next(str(one["reason"]) for one in kube.objects[ref]["status"]["conditions"] if one["type"] == "Ready")


def cpu_of(process: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policies", type=int, default=300)
    parser.add_argument("--minutes", type=int, default=18, help="ten of them teach what is quiet")
    arguments = parser.parse_args()
    with scraped(arguments.policies) as (url, server):
        asyncio.run(measure(arguments.policies, arguments.minutes, url, server))


if __name__ == "__main__":
    main()
