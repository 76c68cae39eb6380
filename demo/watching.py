"""Follow the ModelDeployment until something is true, showing what changes."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rollmodel.api.conditions import find
from rollmodel.api.modeldeployment import HistoryEntry, ModelDeploymentStatus

from demo.kubectl import Kubectl
from demo.traffic import Traffic

__all__ = ["DemoFailedError", "Watcher", "entry_of", "fell"]

POLL_SECONDS = 1.0
#: Off a terminal, a line waits so long of which nothing but windows and estimates has changed.
REPEAT_SECONDS = 10.0
_NUMBER = re.compile(r"[\d.]+")
Predicate = Callable[[ModelDeploymentStatus], bool]


class DemoFailedError(Exception):
    """Something that the demo promises to show was not observed."""


@dataclass(slots=True)
class Watcher:
    """Reads the status once a second; on a terminal as a live table, elsewhere as a line per change.

    Where only windows and estimates change, it is a line each ten seconds.
    """

    kubectl: Kubectl
    name: str
    console: Console
    operator_runs: Callable[[], bool]
    traffic: Traffic | None = None
    _last: str = field(default="", init=False)
    _printed: float = field(default=-REPEAT_SECONDS, init=False)

    async def until(self, what: str, done: Predicate, *, seconds: float) -> float:
        """Wait until ``done(status)``; returns how long it took. Raises DemoFailedError after ``seconds``."""
        begin = time.monotonic()
        with Live(console=self.console, auto_refresh=False, transient=True) as live:
            while True:
                status = await asyncio.to_thread(self.status)
                elapsed = time.monotonic() - begin
                self._show(live, what, elapsed, status)
                if done(status):
                    return elapsed
                if not self.operator_runs():
                    raise DemoFailedError("the operator has ended")
                if elapsed > seconds:
                    raise DemoFailedError(f"not within {seconds:.0f} s: {what}. Last seen: {_summary(status)}")
                await asyncio.sleep(POLL_SECONDS)

    def status(self) -> ModelDeploymentStatus:
        """The status as the cluster holds it now."""
        live = self.kubectl.get("modeldeployments", self.name) or {}
        return ModelDeploymentStatus.model_validate(live.get("status", {}))

    def _show(self, live: Live, what: str, elapsed: float, status: ModelDeploymentStatus) -> None:
        if self.console.is_terminal:
            live.update(self._table(what, elapsed, status), refresh=True)
        elif (summary := _summary(status)) != self._last and self._is_news(summary):
            self._last, self._printed = summary, time.monotonic()
            self.console.print(f"  {elapsed:5.0f} s  {summary}", soft_wrap=True)

    def _is_news(self, summary: str) -> bool:
        counted_on = _without_estimates(summary) == _without_estimates(self._last)
        return not counted_on or time.monotonic() - self._printed >= REPEAT_SECONDS

    def _table(self, what: str, elapsed: float, status: ModelDeploymentStatus) -> Table:
        table = Table(title=f"{what} ({elapsed:.0f} s)", title_justify="left", expand=False)
        for heading in ("", "version", "traffic", "pods ready"):
            table.add_column(heading)
        for arm, label in ((status.stable, "stable"), (status.candidate, "candidate")):
            if arm is not None:
                bar = "█" * round(arm.weight / 5)
                table.add_row(
                    label, arm.model_version, f"{arm.weight:3d} % {bar}", f"{arm.ready_replicas}/{arm.replicas}"
                )
        for line in status.evidence:
            table.add_row(
                line.metric, line.verdict, f"{line.ratio or ''} {line.samples or ''}", line.until_decision or ""
            )
        if self.traffic is not None:
            table.caption = "answers by status: " + _counts(self.traffic)
        return table


def fell(status: ModelDeploymentStatus, version: str, verdict: str) -> bool:
    """Whether the verdict on a version fell and the cluster has come to rest after it."""
    entry = entry_of(status, version)
    if entry is None:
        return False
    if entry.verdict != verdict:
        raise DemoFailedError(f"v{version} should be {verdict}, but is {entry.verdict}: {entry.reason}")
    available = find(status.conditions, "Available")
    serves = available is not None and available.status == "True"
    rests = status.candidate is None and not status.retiring and not status.outbox
    return serves and rests and status.stable is not None and status.stable.weight == 100


def entry_of(status: ModelDeploymentStatus, version: str) -> HistoryEntry | None:
    """The verdict on a version, once it is in the history."""
    return next((entry for entry in status.history if entry.to_version == version), None)


def _counts(traffic: Traffic) -> str:
    return ", ".join(f"{code}: {count}" for code, count in sorted(traffic.codes.items())) or "none yet"


def _summary(status: ModelDeploymentStatus) -> str:
    """One line: who serves, who is tried, and what the Ready condition says."""
    ready = find(status.conditions, "Ready")
    parts = [f"{label} v{arm.model_version} {arm.weight} %" for label, arm in _arms(status)]
    parts.append(ready.message if ready is not None else "not seen by the operator yet")
    return " | ".join(parts)


def _without_estimates(summary: str) -> str:
    """What stays the same while a metric is judged: windows and seconds count on."""
    place, _, estimates = summary.partition(" undecided")
    return place + _NUMBER.sub("", estimates)


def _arms(status: ModelDeploymentStatus) -> list[tuple[str, Any]]:
    arms = (("stable", status.stable), ("candidate", status.candidate))
    return [(label, arm) for label, arm in arms if arm is not None]
