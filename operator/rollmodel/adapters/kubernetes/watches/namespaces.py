"""Which namespaces there are, and their labels: listed once, and watched."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping

from rollmodel.adapters.kubernetes.apiserver import ApiServer
from rollmodel.adapters.kubernetes.watches.stream import watch
from rollmodel.backoff import Backoff
from rollmodel.errors import RollmodelError

__all__ = ["Labels", "follow"]

_log = logging.getLogger(__name__)
_PATH = "/api/v1/namespaces"

#: Name of a namespace -> its labels.
Labels = Mapping[str, Mapping[str, str]]


async def follow(api: ApiServer) -> AsyncGenerator[Labels, None]:
    """All namespaces, again after each change, for ever. An API server that is away is waited for."""
    backoff = Backoff(first=0.5, cap=30.0)
    while True:
        try:
            answer = await api.request("GET", _PATH)
            known = {one["metadata"]["name"]: _labels(one) for one in answer["items"]}
            yield dict(known)
            backoff.reset()
            async for event in watch(api, _PATH, selector={}, version=answer["metadata"]["resourceVersion"]):
                if event["type"] == "ERROR":
                    break
                if event["type"] != "BOOKMARK":
                    _note(known, event)
                    yield dict(known)
        except RollmodelError as error:
            _log.warning("watching namespaces: %s", error)
            await asyncio.sleep(backoff.next())


def _note(known: dict[str, Mapping[str, str]], event: Mapping[str, object]) -> None:
    body: Mapping[str, Mapping[str, str]] = event["object"]  # type: ignore[assignment]
    if event["type"] == "DELETED":
        known.pop(body["metadata"]["name"], None)
    else:
        known[body["metadata"]["name"]] = _labels(body)


def _labels(body: Mapping[str, Mapping[str, object]]) -> Mapping[str, str]:
    return body["metadata"].get("labels") or {}  # type: ignore[return-value]
