"""The story in three acts, each ended by what the cluster says, not by a clock."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from rich.console import Console
from rollmodel.api.modeldeployment import HistoryEntry

from demo.registry import Registry
from demo.rollout.evidence import requests_by_code
from demo.stack import ROOT, Stack
from demo.traffic import sending
from demo.watching import DemoFailedError, Watcher, entry_of, fell
from examples.models.sample_requests import request_bodies

__all__ = ["HOST", "NAME", "Act", "Story", "play", "request_bodies"]

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

    @property
    def told(self) -> str | None:
        """The verdict as the registry has it."""
        return next((value for key, value in self.tags.items() if key.startswith("rollmodel.dev/verdict/")), None)


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
        entry = entry_of(watcher.status(), version)
        if entry is None:
            raise DemoFailedError(f"the history has no verdict on v{version}")
        over = time.monotonic() - began + 60
        where = (stack.prometheus_url, stack.kubectl.namespace, entry.to_revision)
        return Act(version, entry, taken, requests_by_code(*where, over_seconds=over), registry.tags(version))

    async def act(version: str, verdict: str, seconds: float) -> None:
        taken = await watcher.until(f"v{version}", lambda status: fell(status, version, verdict), seconds=seconds)
        story.acts.append(await asyncio.to_thread(read_back, version, taken))

    console.print(f"\n[bold]v{first}[/]: kubectl apply -f {EXAMPLE.relative_to(ROOT)}")
    registry.begin(first)
    await asyncio.to_thread(_apply, stack, console)
    await act(first, "Installed", READY_SECONDS)
    async with sending(stack.gateway_url, HOST, request_bodies(), rate) as traffic:
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
    """The example, new, and a Gateway for it."""
    if stack.kubectl.get("modeldeployments", NAME) is not None:
        console.print("deleting the ModelDeployment of an earlier demo")
        stack.kubectl.run("delete", "modeldeployment", NAME, "--timeout=60s")
    stack.apply_gateway()
    stack.kubectl.run("apply", "--filename", str(EXAMPLE))
