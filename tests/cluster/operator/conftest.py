"""The operator's adapters, connected to the API server of the local cluster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rollmodel.adapters.kubernetes.apiserver import ApiServer

from localcluster import Cluster


@pytest.fixture
async def api(cluster: Cluster, crds: Path) -> AsyncIterator[ApiServer]:
    """A connection as cluster administrator."""
    server = await ApiServer.connect(str(cluster.kubeconfig))
    yield server
    await server.close()
    await asyncio.sleep(0)  # let the transports close
