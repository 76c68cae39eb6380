"""``python -m localcluster.node``: run one node until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path

from localcluster.kubeapi import UNREACHABLE, ApiError, KubeApi, in_words
from localcluster.node.kubelet import Kubelet
from localcluster.node.pods.pod import Settings
from localcluster.node.registration import heartbeat, register
from localcluster.node.server import serve_logs
from localcluster.processes.lifetimes import until_signal

log = logging.getLogger("localcluster.node")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m localcluster.node", description=__doc__)
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--dir", type=Path, required=True, help="folder for the Pods' files")
    parser.add_argument("--volumes", type=Path, help="folder that PersistentVolumes must lie in (default: --dir)")
    parser.add_argument("--name", required=True, help="name of the Node")
    parser.add_argument("--port", type=int, required=True, help="port of the kubelet endpoint (logs)")
    parser.add_argument("--images", type=Path, required=True, help="table of images (YAML)")
    parser.add_argument("--backoff-base", type=float, default=1.0, help="first back-off of a crash loop, in seconds")
    for name in ("--tls-cert", "--tls-key", "--client-ca"):
        parser.add_argument(name, type=Path, help="without all three, logs are not served")
    return parser.parse_args()


async def _run(arguments: argparse.Namespace) -> None:
    pods, volumes = (arguments.dir / "pods").resolve(), (arguments.volumes or arguments.dir).resolve()
    settings = Settings(pods, arguments.images.resolve(), volumes, arguments.backoff_base)
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(KubeApi.connect(arguments.kubeconfig))
        kubelet = Kubelet(api, arguments.name, settings)
        await _register(api, arguments.name, arguments.port)
        print(f"node {arguments.name} is registered", flush=True)
        # In this order: where this port is open, this very process has registered (a Node may be left from another).
        if arguments.tls_cert and arguments.tls_key and arguments.client_ca:
            tls = {"certificate": arguments.tls_cert, "key": arguments.tls_key, "client_ca": arguments.client_ca}
            await stack.enter_async_context(serve_logs(kubelet.worker, arguments.port, **tls))
        async with asyncio.TaskGroup() as group:
            group.create_task(heartbeat(api, arguments.name))
            group.create_task(kubelet.run())


async def _register(api: KubeApi, name: str, port: int) -> None:
    while True:
        try:
            return await register(api, name, port)
        except (ApiError, *UNREACHABLE) as error:
            log.warning("cannot register yet: %s", in_words(error))
            await asyncio.sleep(0.5)


def main() -> None:
    """Run the node until a signal."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(until_signal(_run(_arguments())))


if __name__ == "__main__":
    main()
