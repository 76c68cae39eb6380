"""``python -m localcluster.gateway``: run Envoy and its controller until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import logging
from pathlib import Path

from localcluster.kubeapi import KubeApi
from localcluster.lifetimes import until_signal

from .controller import Controller
from .envoy import Envoy


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m localcluster.gateway", description=__doc__)
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--dir", type=Path, required=True, help="folder for Envoy's configuration")
    parser.add_argument("--listen", required=True, help="HOST:PORT where Envoy takes requests")
    return parser.parse_args()


async def _run(arguments: argparse.Namespace) -> None:
    host, _, port = arguments.listen.rpartition(":")
    async with (
        KubeApi.connect(arguments.kubeconfig) as api,
        Envoy.run(arguments.dir.resolve(), (host, int(port))) as envoy,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(Controller(api, envoy, host).run())
        code = await envoy.ended()
        raise SystemExit(f"Envoy ended with {code}")


def main() -> None:
    """The command."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(until_signal(_run(_arguments())))


if __name__ == "__main__":
    main()
