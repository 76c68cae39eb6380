"""Many objects: how long until they are Ready, what they cost at rest, and what a restart costs."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from tests.bench.scale.measurements.burst import burst
from tests.bench.scale.progress import say
from tests.bench.scale.rig.audit import QUIET_SECONDS, Requests, requests, until_quiet
from tests.bench.scale.rig.objects import Clock, apply, manifests, models, watched
from tests.bench.scale.rig.process import Measured, operator
from tests.bench.scale.rig.stack import OPERATOR, Stack

__all__ = ["MODELS", "POLL_SECONDS", "Idle", "Install", "Memory", "Rest", "Restart", "measure"]

MODELS = 10
"""Registered models that the objects follow, by one alias each."""
POLL_SECONDS = 15.0
"""How often an alias is looked up: the operator's default."""
_NOWHERE = "http://127.0.0.1:9"
"""Nobody answers here; a query at rest would be counted all the same."""


@dataclass(frozen=True, slots=True)
class Install:
    """Seconds from the first apply to the end of the last apply, and to the last object's Ready.

    ``cpu_seconds`` are those of the operator from the first apply until it is quiet.
    """

    apply_seconds: float
    ready_seconds: float
    requests: Requests
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Idle:
    """What the operator did in ``seconds`` in which nothing happened. ``passes`` are those of the resync."""

    seconds: float
    requests: Requests
    cpu_seconds: float
    passes: float
    registry_queries: int
    prometheus_queries: float


@dataclass(frozen=True, slots=True)
class Restart:
    """From the start of the process until each object was looked at and the last request was sent."""

    seconds: float
    cpu_seconds: float
    requests: Requests


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory in bytes: of a new process, with one object, with all, and with all after a restart."""

    empty: int
    one: int
    full: int
    restarted: int


@dataclass(frozen=True, slots=True)
class Rest:
    """The figures of one run with ``objects`` objects.

    ``burst``: seconds from sending an apply to seeing the child Deployment, of each of those that came all at once.
    """

    objects: int
    install: Install
    idle: Idle
    restart: Restart
    memory: Memory
    burst: list[float]


async def measure(where: Stack, objects: int, *, idle_seconds: float, at_once: int) -> Rest:
    """One run. The simulated node must be there."""
    follow = await models(where.cluster.mlflow_url, MODELS)
    with operator(where, PROMETHEUS_URL=_NOWHERE, REGISTRY_POLL_SECONDS=f"{POLL_SECONDS:g}") as process:
        await process.start()
        await asyncio.sleep(QUIET_SECONDS)
        empty = process.memory
        async with watched(where.cluster) as (_, clock):
            await _install(where, process, clock, manifests("one", 1, follow))
            one = process.memory
            say(f"applying {objects:,} objects")
            install = await _install(where, process, clock, manifests("many", objects - 1, follow))
        say(f"all Ready after {install.ready_seconds:.0f} s; a look at rest, {idle_seconds:.0f} s")
        idle = await _idle(where, process, idle_seconds)
        full = process.memory
        say("restarting")
        await asyncio.to_thread(process.stop)
        restart = await _restart(where, process, objects)
        say(f"applying {at_once} at once")
        memory = Memory(empty, one, full, process.memory)
        seconds = await burst(where.cluster, manifests("burst", at_once, follow))
    return Rest(objects, install, idle, restart, memory, seconds)


async def _install(where: Stack, process: Measured, clock: Clock, objects: list[dict[str, object]]) -> Install:
    """Apply objects, wait until all are Ready and the operator has calmed down."""
    wanted = len(clock.ready) + len(objects)
    wall, began, cpu = time.time(), time.monotonic(), process.cpu_seconds
    await asyncio.to_thread(apply, where.cluster, objects)
    applied = time.monotonic() - began
    await clock.until(lambda: len(clock.ready) >= wanted)
    sent = await until_quiet(where.cluster.audit_log, OPERATOR, wall)
    return Install(applied, max(clock.ready.values()) - began, sent, process.cpu_seconds - cpu)


async def _idle(where: Stack, process: Measured, seconds: float) -> Idle:
    """Look at it while nothing happens."""
    began, before = time.time(), await _counters(where, process)
    await asyncio.sleep(seconds)
    ended, after = time.time(), await _counters(where, process)
    cpu, passes, registry, prometheus = (b - a for a, b in zip(before, after, strict=True))
    sent = requests(where.cluster.audit_log, OPERATOR, began, ended)
    return Idle(ended - began, sent, cpu, passes, int(registry), prometheus)


async def _restart(where: Stack, process: Measured, objects: int) -> Restart:
    """Start it again, with all objects there."""
    wall, began = time.time(), time.monotonic()
    await process.start()
    while await process.count("rollmodel_reconcile_total") < objects:  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.1)
    looked, cpu = time.monotonic() - began, process.cpu_seconds
    sent = await until_quiet(where.cluster.audit_log, OPERATOR, wall)
    return Restart(max(looked, sent.last - wall), cpu, sent)


async def _counters(where: Stack, process: Measured) -> tuple[float, float, float, float]:
    """Since the start: CPU seconds, passes, requests that MLflow answered (by its log), queries to Prometheus."""
    return (
        process.cpu_seconds,
        await process.count("rollmodel_reconcile_total"),
        float(where.cluster.logs("mlflow").count("/api/2.0/mlflow/")),
        await process.count("rollmodel_neighbour_request_seconds_count", neighbour="prometheus"),
    )
