"""One object over time, by watching: the API server reports each change, so nothing is polled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from rollmodel.adapters.kubernetes.apiserver import Expired
from rollmodel.adapters.kubernetes.kinds import Resource
from rollmodel.adapters.kubernetes.watches.stream import watch
from rollmodel.backoff import Backoff
from rollmodel.cli.common.cluster import Session
from rollmodel.errors import NotFound, Unavailable

__all__ = ["follow"]

#: How long an API server may be away before the command gives up.
PATIENCE_SECONDS = 60.0


async def follow(session: Session, resource: Resource, name: str) -> AsyncGenerator[dict[str, Any], None]:
    """The object as it is now, and again after each change, for ever.

    Raises NotFound once it is deleted (or deleted and made anew), Unavailable after a minute without an answer.
    """
    manifest = await session.get(resource, name)
    uid = manifest["metadata"]["uid"]
    while True:
        yield manifest
        async with aclosing(_changes(session, resource, manifest)) as changes:
            async for changed in changes:
                manifest = changed
                yield manifest
        newest = await _again(session, resource, name)
        if newest["metadata"]["uid"] != uid:
            raise NotFound(f"{resource.kind} {name!r} was deleted, and another one made", reason="Deleted")
        manifest = newest


async def _changes(
    session: Session, resource: Resource, manifest: dict[str, Any]
) -> AsyncGenerator[dict[str, Any], None]:
    """What the API server says after this version of the object, until the stream ends in whatever way."""
    name = manifest["metadata"]["name"]
    stream = watch(
        session.server,
        resource.path(session.namespace),
        selector={"fieldSelector": f"metadata.name={name}"},
        version=manifest["metadata"]["resourceVersion"],
    )
    try:
        async with aclosing(stream) as events:
            async for event in events:
                match event["type"]:
                    case "ADDED" | "MODIFIED":
                        yield event["object"]
                    case "DELETED":
                        raise NotFound(f"{resource.kind} {name!r} was deleted", reason="Deleted")
                    case "ERROR":
                        return
                    case _:  # a bookmark
                        pass
    except (Expired, Unavailable):
        return


async def _again(session: Session, resource: Resource, name: str) -> dict[str, Any]:
    """The object after a stream has ended; an API server that restarts is waited for."""
    backoff, deadline = Backoff(first=0.5, cap=10.0), time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await session.get(resource, name)
        except Unavailable:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(backoff.next())
