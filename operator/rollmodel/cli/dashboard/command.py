"""``rollmodel dashboard``: all models, trainings and drift policies on a local page."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from rollmodel.cli.common import cluster, prometheus
from rollmodel.cli.common.targets import add_mlflow_url
from rollmodel.cli.dashboard.judge_history import JudgeHistory
from rollmodel.cli.dashboard.live import Live
from rollmodel.cli.dashboard.pages import Pages
from rollmodel.cli.dashboard.server import application
from rollmodel.errors import Invalid, RollmodelError

__all__ = ["main", "serving"]

_DESCRIPTION = (
    "Show all models, trainings and drift policies live on a local web page, with your own kubeconfig. Read-only; it"
    " listens on the loopback interface only, and its address holds a token: keep it to yourself. Ctrl-C ends it."
)


def main(argv: Sequence[str]) -> int:
    """Run the command until Ctrl-C; 1 where the cluster cannot be read, or the port is taken."""
    arguments = _parser().parse_args(argv)
    try:
        metrics = prometheus.connected(arguments) if arguments.prometheus else None
        history = JudgeHistory(metrics, prometheus.matchers(arguments))
        cluster.run(arguments.namespace, arguments.kubeconfig, lambda session: _serve(session, history, arguments))
    except RollmodelError as error:
        print(f"rollmodel dashboard: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rollmodel dashboard", description=_DESCRIPTION)
    cluster.add_arguments(parser)
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="objects of all namespaces")
    parser.add_argument("--port", type=int, default=0, metavar="PORT", help="port to listen on (default: a free one)")
    add_mlflow_url(parser)
    parser.add_argument(
        "--prometheus", metavar="URL", help="read the past of rollouts, for charts from before the page was opened"
    )
    prometheus.add_arguments(parser)
    return parser


async def _serve(session: cluster.Session, history: JudgeHistory, arguments: argparse.Namespace) -> None:
    namespace = None if arguments.all_namespaces else session.namespace
    live = Live(session.server, namespace, seen=history.take)
    await live.start()
    async with serving(live, history, namespace, port=arguments.port, mlflow_url=arguments.mlflow_url) as address:
        place = f"namespace {namespace}" if namespace else "all namespaces"
        print(f"Models, trainings and drift policies of {place}, read-only, until Ctrl-C:\n{address}", flush=True)
        await live.run()


@asynccontextmanager
async def serving(
    live: Live, history: JudgeHistory, namespace: str | None, *, port: int = 0, mlflow_url: str | None = None
) -> AsyncIterator[str]:
    """Listen while the context lasts; the address, with a new token. Raises Invalid where the port is taken."""
    token = secrets.token_urlsafe(24)
    app = application(live, history, Pages(f"/{token}/", namespace, mlflow_url), token)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
        except OSError as error:
            raise Invalid(f"cannot listen on port {port}: {error.strerror or error}") from error
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/{token}/"
    finally:
        await runner.cleanup()
