"""Kueue's Workloads of a namespace, in whichever version the API server serves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rollmodel.adapters.kubernetes.apiserver import ApiServer
from rollmodel.adapters.kubernetes.kinds import WORKLOAD_VERSIONS
from rollmodel.errors import NotFound

__all__ = ["Workloads"]

#: How long a list is shared by the runs that wait in a namespace, in seconds.
_SHARED_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Read:
    items: Sequence[dict[str, Any]]
    until: float


class Workloads:
    """Lists them page by page, once for all runs that wait in a namespace."""

    def __init__(self, api: ApiServer) -> None:
        self._api = api
        self._read: dict[str, _Read] = {}

    async def list(self, namespace: str) -> Sequence[dict[str, Any]] | None:
        """All Workloads of a namespace, a few seconds old at most; None where Kueue is not installed."""
        now = time.monotonic()
        self._read = {name: read for name, read in self._read.items() if read.until > now}
        if namespace in self._read:
            return self._read[namespace].items
        for resource in WORKLOAD_VERSIONS:
            try:
                items = await self._api.pages(resource.path(namespace))
            except NotFound:
                continue
            self._read[namespace] = _Read(items, now + _SHARED_SECONDS)
            return items
        return None
