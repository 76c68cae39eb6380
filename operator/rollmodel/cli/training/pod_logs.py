"""Copy logs of containers to the terminal, line by line, each with the prefix of its pod."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from rollmodel.adapters.kubernetes.kinds import resource_of
from rollmodel.cli.common.cluster import Session
from rollmodel.cli.common.follow import follow
from rollmodel.errors import Invalid
from rollmodel.text import plain

__all__ = ["POD", "LogOptions", "PodLog", "copy_all"]

POD = resource_of("v1", "Pod")


@dataclass(frozen=True, slots=True)
class PodLog:
    """A pod, and what each of its lines begins with."""

    pod: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class LogOptions:
    """Which container, whether to wait for more, and how many lines before the end to begin (None: at the start)."""

    container: str
    follow: bool = False
    tail: int | None = None


async def copy_all(session: Session, logs: Sequence[PodLog], options: LogOptions) -> None:
    """Print logs: one after another, or mixed as they grow where they are followed.

    Raises Invalid, with the names of its containers, for a pod whose container has no log yet.
    """
    if not options.follow:
        for log in logs:
            await _copy(session, log, options)
        return
    copying = [asyncio.create_task(_copy(session, log, options)) for log in logs]
    try:
        await asyncio.gather(*copying)
    finally:
        for task in copying:
            task.cancel()


async def _copy(session: Session, log: PodLog, options: LogOptions) -> None:
    if options.follow:
        await _begun(session, log.pod, options.container)
    query = {"container": options.container, "follow": str(options.follow).lower()}
    if options.tail is not None:
        query["tailLines"] = str(options.tail)
    rest = b""
    try:
        async with aclosing(session.server.chunks(POD.path(session.namespace, log.pod, "log"), query=query)) as chunks:
            async for chunk in chunks:
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    _write(log, line)
    except Invalid as error:
        pod = await session.get(POD, log.pod)
        raise Invalid(f"{error}; its containers: {', '.join(_names(pod))}") from error
    if rest:
        _write(log, rest)


async def _begun(session: Session, name: str, container: str) -> None:
    """Wait until a container has begun, or never will."""
    told = None
    async with aclosing(follow(session, POD, name)) as versions:
        async for pod in versions:
            waiting = _waiting(pod, container)
            if waiting is None:
                return
            if waiting != told:
                print(f"waiting for {container} in {name}: {waiting}", file=sys.stderr)
                told = waiting


def _waiting(pod: Mapping[str, Any], container: str) -> str | None:
    """Why a container has not begun; None once it has, or where the pod has ended or knows no such container."""
    status = pod.get("status") or {}
    if status.get("phase") in {"Succeeded", "Failed"} or container not in _names(pod):
        return None
    found = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    state = next((one["state"] for one in found if one["name"] == container), {"waiting": {"reason": "not scheduled"}})
    return str(state["waiting"].get("reason", "waiting")) if "waiting" in state else None


def _names(pod: Mapping[str, Any]) -> list[str]:
    return [one["name"] for part in ("initContainers", "containers") for one in pod["spec"].get(part) or ()]


def _write(log: PodLog, line: bytes) -> None:
    """As it is into a file or a pipe; on a terminal nothing of it acts."""
    text = line.decode("utf-8", "replace")
    print(log.prefix + (plain(text, lines=True) if sys.stdout.isatty() else text), flush=True)
