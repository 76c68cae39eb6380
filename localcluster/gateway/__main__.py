"""``python -m localcluster.gateway``: run Envoy and its controller until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import logging
from pathlib import Path

from localcluster.kubeapi import KubeApi
from localcluster.processes.lifetimes import until_signal

from .controller import Controller
from .envoy import Envoy, RejectedError


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m localcluster.gateway", description=__doc__)
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--dir", type=Path, required=True, help="folder for Envoy's configuration")
    parser.add_argument("--listen", required=True, help="HOST:PORT where Envoy takes requests")
    parser.add_argument("--admin", required=True, help="HOST:PORT where Envoy tells what it has taken")
    return parser.parse_args()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


async def _run(arguments: argparse.Namespace) -> None:
    listen, admin = _address(arguments.listen), _address(arguments.admin)
    async with (
        KubeApi.connect(arguments.kubeconfig) as api,
        Envoy.run(arguments.dir.resolve(), listen, admin) as envoy,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(Controller(api, envoy, listen[0]).run())
        code = await envoy.ended()
        raise SystemExit(f"Envoy ended with {code}")


def main() -> None:
    """Run the gateway's controller and Envoy until a signal."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(until_signal(_run(_arguments())))
    except RejectedError as error:
        raise SystemExit(str(error)) from None  # Envoy itself has said why


if __name__ == "__main__":
    main()
