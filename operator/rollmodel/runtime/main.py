"""``rollmodel run``: start the operator, and end with a non-zero exit code if it ends by itself.

A restart is cheap by design, so whatever cannot be mended from inside (the API server forgot our kinds, Kopf gave up, a
watch has a bug) ends the process, and the kubelet starts the next one.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import kopf
from prometheus_client import disable_created_metrics
from pydantic import ValidationError
from pydantic_settings import SettingsError

from rollmodel import settings_help
from rollmodel.adapters.kubernetes.apiserver import ApiServer, use_small_buffers
from rollmodel.adapters.kubernetes.reviews import Reviews
from rollmodel.adapters.kubernetes.watches.namespaces import follow
from rollmodel.api.base import GROUP, VERSION
from rollmodel.backoff import Backoff
from rollmodel.errors import NotFound, RollmodelError
from rollmodel.plan.operators.sharding import NOWHERE
from rollmodel.runtime import logs
from rollmodel.runtime.handlers import kopf_settings, register
from rollmodel.runtime.health import Health, Server
from rollmodel.runtime.metrics.scrapers import Scrapers
from rollmodel.runtime.metrics.shards import ShardMetrics
from rollmodel.runtime.operators.others import warn_of_others
from rollmodel.runtime.operators.shards import Shard
from rollmodel.runtime.tasks.runner import Runner
from rollmodel.runtime.wiring import Operator
from rollmodel.settings import Settings, configure_libraries

__all__ = ["main"]

_DESCRIPTION = "Run the operator until a signal asks it to stop. It has no options: environment variables set it up."

_log = logging.getLogger(__name__)

#: Garbage is searched for once so many objects are new, and not after Python's 700, which one parsed answer has: that
#: took a twentieth of the time of a pass.
_GARBAGE = (10_000, 10, 10)


def main(argv: Sequence[str] | None = None) -> int:
    """Run until a signal asks to stop; the exit code."""
    _parser().parse_args(argv)
    try:
        settings = Settings()
    except (ValidationError, SettingsError, OSError) as error:
        sys.stderr.write(f"invalid settings: {error}\n")
        return 2
    logs.configure(form=settings.log_format, level=settings.log_level)
    configure_libraries(settings)
    disable_created_metrics()  # type: ignore[no-untyped-call]
    use_small_buffers()
    gc.freeze()  # modules stay: to look through them for garbage holds up everything for a fifth of a second
    gc.set_threshold(*_GARBAGE)
    try:
        asyncio.run(_run(settings))
    except Exception as error:  # noqa: BLE001 - say it in the log's own form, whatever it is
        match _cause(error):
            case RollmodelError() as cause:
                _log.error("the operator cannot work: %s", cause)
            case cause:
                _log.error("the operator ended", exc_info=cause)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog="rollmodel run",
        description=_DESCRIPTION,
        epilog=settings_help.as_text(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _cause(error: Exception) -> Exception:
    """What was raised, without the groups that it came through alone."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


async def _run(settings: Settings) -> None:
    _on_signal(lambda: sys.exit(0))  # process 1 of a container ignores signals without a handler
    if settings.shard is None:
        await _work(settings)
        return
    shard, api, last = Shard(settings.shard), await ApiServer.connect(), None
    try:
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(shard.follow(follow(api)), name="watch namespaces")
            await shard.listed.wait()
            while True:
                last = await shard.begin(last=last)
                scoped = settings.model_copy(update={"namespaces": last or (NOWHERE,)})
                if await _unless(shard.changed, _work(scoped, shard)):
                    break
            following.cancel()
    finally:
        await api.close()


async def _unless(event: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Work to the end, or until the event, which cancels it; whether it came to its end by itself."""
    working, waiting = asyncio.create_task(work), asyncio.create_task(event.wait())
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ended = working.done()
        waiting.cancel()
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
    return ended


async def _work(settings: Settings, shard: Shard | None = None) -> None:
    """Work until a signal asks to stop."""
    started = datetime.now(UTC)
    operator = await Operator.build(settings)
    health = Health(operator.neighbours.kube, operator.watchdog, operator.elector)
    if shard is not None and operator.elector is not None:
        metrics = operator.instruments.registry
        ShardMetrics(shard.name, metrics, leads=operator.elector.leads, namespaces=lambda: shard.namespaces)
    scrapers = Scrapers(Reviews(operator.neighbours.api)) if settings.metrics_access == "Reviewed" else None
    server = Server(health, operator.instruments.registry, scrapers)
    try:
        await server.start(health=settings.health_address, metrics=settings.metrics_address)
        served = await _served(operator.neighbours.api)
        reconcilers = {plural: one for plural, one in operator.reconcilers.items() if plural in served}
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(operator.neighbours.kube.run(), name="watch children")
            ruling = tasks.create_task(operator.rules.run(), name="watch rules") if operator.rules is not None else None
            await operator.neighbours.kube.listed()
            if operator.rules is not None:
                await operator.rules.listed.wait()
            async with _leading(operator, health, tasks), _mine(settings, operator, shard) as namespaces:
                pod = os.environ.get("HOSTNAME") or socket.gethostname()
                tasks.create_task(
                    warn_of_others(operator.neighbours.api, settings, pod=pod), name="look for other operators"
                )
                runner = Runner(operator.controller, operator.neighbours.kube, started=started)
                registry = register(runner, reconcilers, operator.login)
                async with runner.running():
                    await _watch(namespaces, registry, health, anew=shard is not None)
            watching.cancel()
            if ruling is not None:
                ruling.cancel()
    finally:
        await server.stop()
        await operator.close()


@asynccontextmanager
async def _leading(operator: Operator, health: Health, tasks: asyncio.TaskGroup) -> AsyncIterator[None]:
    """Stand by, with all caches filled, until it is our turn; at once where there is no election."""
    if operator.elector is None:
        yield
        return
    health.standby = True
    async with operator.elector.leading():
        health.standby = False
        tasks.create_task(operator.announce(), name="announce the leader")
        yield


@asynccontextmanager
async def _mine(settings: Settings, operator: Operator, shard: Shard | None) -> AsyncIterator[Sequence[str]]:
    """The namespaces to work in: those of a shard in which no other one works any more."""
    if shard is None or operator.lease is None:
        yield settings.namespaces
        return
    others = operator.lease.others
    free = await shard.free(settings.namespaces, others)
    held = set(settings.namespaces) - set(free)
    waiting = asyncio.create_task(shard.until_freed(held, others)) if held else None
    try:
        yield free or (NOWHERE,)
    finally:
        if waiting is not None:
            waiting.cancel()


async def _watch(namespaces: Sequence[str], registry: kopf.OperatorRegistry, health: Health, *, anew: bool) -> None:
    """Let Kopf watch until a signal arrives. Raises if it ends before."""
    stop, ready = asyncio.Event(), asyncio.Event()

    async def take_over() -> None:
        await ready.wait()
        _on_signal(stop.set)  # Kopf has put handlers of its own, which would not tell us why it ended
        health.started = True
        _log.info("started")

    async with asyncio.TaskGroup() as tasks:
        taking_over = tasks.create_task(take_over())
        await kopf.operator(
            registry=registry,
            settings=kopf_settings(anew=anew),
            # Else Kopf asks for the name of the user, who has none in a pod.
            identity=socket.gethostname(),  # type: ignore[arg-type]  # Kopf does not export the type
            clusterwide=not namespaces,
            namespaces=namespaces,
            stop_flag=stop,
            ready_flag=ready,
        )
        taking_over.cancel()
    if not stop.is_set():
        raise RuntimeError("Kopf ended by itself")


async def _served(api: ApiServer) -> set[str]:
    """The plurals of our kinds that the API server serves; waits for it, and for the CRD of ModelDeployment."""
    backoff = Backoff(first=1.0, cap=30.0)
    while True:
        try:
            answer = await api.request("GET", f"/apis/{GROUP}/{VERSION}")
            served = {resource["name"] for resource in answer["resources"]}
            if "modeldeployments" in served:
                return served
            _log.warning("the CRD of ModelDeployment is missing: kubectl apply -f crds/")
        except NotFound:
            _log.warning("the CRDs of %s are missing: kubectl apply -f crds/", GROUP)
        except RollmodelError as error:
            _log.warning("waiting for the Kubernetes API: %s", error)
        await asyncio.sleep(backoff.next())


def _on_signal(act: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, act)
