"""What the commands for people do in a cluster, with the user's own kubeconfig."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from rollmodel.adapters.apiserver import MERGE_PATCH, ApiServer
from rollmodel.adapters.kinds import resource_of
from rollmodel.adapters.kubeconfig import current_namespace
from rollmodel.api.base import GROUP, VERSION

__all__ = ["MODEL_DEPLOYMENT", "add_arguments", "annotate", "fetch"]

MODEL_DEPLOYMENT = resource_of(f"{GROUP}/{VERSION}", "ModelDeployment")
#: Shown by the operator as the one who asked for something.
FIELD_MANAGER = "rollmodel-cli"

Answer = TypeVar("Answer")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that say which cluster and namespace are meant."""
    parser.add_argument("-n", "--namespace", help="namespace (default: that of the kubeconfig's context)")
    parser.add_argument("--kubeconfig", help="path of the kubeconfig (default: $KUBECONFIG or ~/.kube/config)")


def fetch(name: str, *, namespace: str | None, kubeconfig: str | None) -> dict[str, Any]:
    """A ModelDeployment as it is now. Raises errors of :mod:`rollmodel.errors`."""
    path = MODEL_DEPLOYMENT.path(namespace or current_namespace(kubeconfig), name)
    return _run(kubeconfig, lambda server: server.request("GET", path))


def annotate(manifest: dict[str, Any], key: str, value: str, *, kubeconfig: str | None) -> dict[str, Any]:
    """Set one annotation of an object that was read before; Conflict if it has changed since."""
    metadata = manifest["metadata"]
    path = MODEL_DEPLOYMENT.path(metadata["namespace"], metadata["name"])
    change = {"metadata": {"resourceVersion": metadata["resourceVersion"], "annotations": {key: value}}}
    query = {"fieldManager": FIELD_MANAGER}
    return _run(
        kubeconfig,
        lambda server: server.request("PATCH", path, query=query, body=change, content_type=MERGE_PATCH),
    )


def _run(kubeconfig: str | None, call: Callable[[ApiServer], Awaitable[Answer]]) -> Answer:
    async def connected() -> Answer:
        server = await ApiServer.connect(kubeconfig)
        try:
            return await call(server)
        finally:
            await server.close()

    return asyncio.run(connected())
