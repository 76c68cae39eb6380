"""The story in three acts, each ended by what the cluster says, not by a clock."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from rich.console import Console
from rollmodel.api.conditions import find
from rollmodel.api.modeldeployment import HistoryEntry, ModelDeploymentStatus

from demo.evidence import requests_by_code
from demo.registry import Registry
from demo.stack import ROOT, Stack
from demo.traffic import Traffic
from demo.watching import DemoFailedError, Watcher
from examples.models.sample_requests import request_bodies

__all__ = ["Act", "Story", "fell", "play"]

NAME = "tumour-screening"
HOST = "screening.example.com"
EXAMPLE = ROOT / "examples" / "tumour-screening.yaml"
BASELINE_SECONDS = 30
READY_SECONDS = 240
VERDICT_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Act:
    """One version and what became of it, as read back from the cluster, the registry and Prometheus."""

    version: str
    entry: HistoryEntry
    seconds: float
    requests: dict[str, int]
    tags: dict[str, str]


@dataclass(slots=True)
class Story:
    """What was observed."""

    acts: list[Act] = field(default_factory=list)
    champion: str = ""
    answers: dict[str, int] = field(default_factory=dict)


async def play(stack: Stack, registry: Registry, watcher: Watcher, rate: float) -> Story:
    """Install v1, challenge it with v2, then v2 with v3. Raises DemoFailedError at the first thing not observed."""
    story = Story()
    first, better, worse = await asyncio.to_thread(registry.versions)
    console = watcher.console
    began = time.monotonic()

    def read_back(version: str, taken: float) -> Act:
        entry = _entry(watcher.status(), version)
        if entry is None:
            raise DemoFailedError(f"the history has no verdict on v{version}")
        over = time.monotonic() - began + 60
        where = (stack.prometheus_url, stack.kubectl.namespace, entry.to_revision)
        return Act(version, entry, taken, requests_by_code(*where, over_seconds=over), registry.tags(version))

    async def act(version: str, verdict: str, seconds: float) -> None:
        taken = await watcher.until(f"v{version}", lambda status: fell(status, version, verdict), seconds=seconds)
        story.acts.append(await asyncio.to_thread(read_back, version, taken))

    console.print(f"\n[bold]v{first}[/]: kubectl apply -f {EXAMPLE.relative_to(ROOT)}")
    registry.challenge(first)
    await asyncio.to_thread(_apply, stack, console)
    await act(first, "Installed", READY_SECONDS)
    async with _sending(stack, rate) as traffic:
        watcher.traffic = traffic
        console.print(f"\n{rate:g} requests a second through the gateway; {BASELINE_SECONDS} s of them as a baseline")
        await asyncio.sleep(BASELINE_SECONDS)
        console.print(f"\n[bold]v{better}[/]: the alias moves; the operator does the rest")
        registry.challenge(better)
        await act(better, "Promoted", VERDICT_SECONDS)
        console.print(f"\n[bold]v{worse}[/]: the best on paper, but it fails on some real inputs and is slower")
        registry.challenge(worse)
        await act(worse, "RolledBack", VERDICT_SECONDS)
    story.champion = await asyncio.to_thread(registry.champion)
    story.answers = dict(traffic.codes)
    return story


def _apply(stack: Stack, console: Console) -> None:
    """The example, new, and a Gateway of the local class unless there is one of that name already."""
    if stack.kubectl.get("modeldeployments", NAME) is not None:
        console.print("deleting the ModelDeployment of an earlier demo")
        stack.kubectl.run("delete", "modeldeployment", NAME, "--timeout=60s")
    if stack.kubectl.get("gateways.gateway.networking.k8s.io", "public") is None:
        stack.kubectl.run("apply", "--filename", str(ROOT / "examples" / "gateway.yaml"))
    stack.kubectl.run("apply", "--filename", str(EXAMPLE))


@contextlib.asynccontextmanager
async def _sending(stack: Stack, rate: float) -> AsyncIterator[Traffic]:
    traffic = Traffic(stack.gateway_url, HOST, request_bodies(), rate=rate)
    task = asyncio.create_task(traffic.run())
    try:
        yield traffic
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def fell(status: ModelDeploymentStatus, version: str, verdict: str) -> bool:
    """Whether the verdict on a version fell and the cluster has come to rest after it."""
    entry = _entry(status, version)
    if entry is None:
        return False
    if entry.verdict != verdict:
        raise DemoFailedError(f"v{version} should be {verdict}, but is {entry.verdict}: {entry.reason}")
    available = find(status.conditions, "Available")
    serves = available is not None and available.status == "True"
    rests = status.candidate is None and not status.retiring and not status.outbox
    return serves and rests and status.stable is not None and status.stable.weight == 100


def _entry(status: ModelDeploymentStatus, version: str) -> HistoryEntry | None:
    return next((entry for entry in status.history if entry.to_version == version), None)
