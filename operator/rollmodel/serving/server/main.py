"""``rollmodel serve``: the model server of the preset ``MLflow``.

Checks the image against the model's requirements, binds, and runs one serving process or several. Several share the
listening socket; when one of them ends, all end, so that Kubernetes and the operator see every crash as a restart.
"""

from __future__ import annotations

import argparse
import errno
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from rollmodel.errors import RollmodelError, Terminal
from rollmodel.serving.server.environment import check_environment
from rollmodel.serving.termination import default_termination_log, report_failure

__all__ = ["main"]

MULTIPROC = "PROMETHEUS_MULTIPROC_DIR"
POLL_SECONDS = 0.2


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="rollmodel serve", description="Serve an MLflow model folder over HTTP.")
    parser.add_argument("--model", required=True, type=Path, help="folder with the MLmodel file")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--host", default="0.0.0.0", help="overruled by ROLLMODEL_LISTEN_ADDRESS")  # noqa: S104
    parser.add_argument("--workers", type=int, default=1, help="processes, each with the model in memory")
    parser.add_argument("--drain-seconds", type=float, default=5.0, help="how long to go on serving after SIGTERM")
    parser.add_argument("--max-request-mib", type=int, default=256, help="a larger request is refused with 413")
    parser.add_argument("--requirements", choices=("refuse", "warn"), default="refuse", help="if the image lacks some")
    parser.add_argument("--termination-log", type=Path, default=default_termination_log())
    parser.add_argument("--fd", type=int, help=argparse.SUPPRESS)  # a worker's inherited socket
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until told to end: 0; 1 with one line in the termination log where the model cannot be served."""
    arguments = _arguments(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGTERM, _end_now)
    try:
        return _serve(arguments)
    except RollmodelError as error:
        report_failure(error, arguments.termination_log)
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES}:
            raise
        failure = Terminal(f"port {arguments.port}: {error.strerror}", reason="CannotListen")
        report_failure(failure, arguments.termination_log)
    return 1


def _end_now(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001  a signal handler
    """Until the server listens nothing is in flight. Without a handler, process 1 of a container ignores SIGTERM.

    No exception: one that is raised in the middle of an import may be swallowed there.
    """
    os._exit(0)


def _serve(arguments: argparse.Namespace) -> int:
    if arguments.fd is not None:
        _run(arguments, socket.socket(fileno=arguments.fd))
        return 0
    check_environment(arguments.model, refuse=arguments.requirements == "refuse")
    with _bound(os.environ.get("ROLLMODEL_LISTEN_ADDRESS", arguments.host), arguments.port) as listener:
        if arguments.workers > 1:
            return _supervise(arguments, listener)
        os.environ.pop(MULTIPROC, None)
        _run(arguments, listener)
    return 0


def _run(arguments: argparse.Namespace, listener: socket.socket) -> None:
    """Imported late: MLflow takes seconds, and a supervisor needs none of it."""
    from rollmodel.serving.server.worker import run  # noqa: PLC0415

    max_bytes = arguments.max_request_mib * 2**20
    run(arguments.model, listener, drain_seconds=arguments.drain_seconds, max_bytes=max_bytes)


def _bound(host: str, port: int) -> socket.socket:
    """A bound socket that does not listen yet: until the model is ready, connections are refused.

    The protocol is given by name because asyncio switches Nagle's algorithm off (40 ms per answer) only where it is.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def _supervise(arguments: argparse.Namespace, listener: socket.socket) -> int:
    """Run the workers until the first of them ends, then end the others. The exit code, 0 if we were told to end."""
    command = [
        *(sys.executable, "-m", "rollmodel.serving.server.main", "--fd", str(listener.fileno())),
        *("--model", str(arguments.model), "--port", str(arguments.port)),
        *("--max-request-mib", str(arguments.max_request_mib)),
        *("--drain-seconds", str(arguments.drain_seconds), "--termination-log", str(arguments.termination_log)),
    ]
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    with tempfile.TemporaryDirectory(prefix="rollmodel-metrics-") as folder:
        env = os.environ | {MULTIPROC: folder}
        workers = [subprocess.Popen(command, env=env, pass_fds=[listener.fileno()]) for _ in range(arguments.workers)]
        while not ending.is_set() and all(worker.poll() is None for worker in workers):
            ending.wait(POLL_SECONDS)
        first = min((worker.returncode for worker in workers if worker.returncode is not None), default=0)
        for worker in workers:
            worker.terminate()
        codes = [worker.wait() for worker in workers]
    if ending.is_set():
        return max(0, *codes)
    if first < 0:
        raise Terminal(f"a worker was ended by {signal.Signals(-first).name}", reason="WorkerDied")
    return first


if __name__ == "__main__":
    sys.exit(main())
