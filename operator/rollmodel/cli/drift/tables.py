"""A DriftPolicy in the terminal: what changed, what it can see, what was done about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from rollmodel.api.conditions import find
from rollmodel.api.driftpolicy import DriftPolicyStatus, RetrainStatus, SignalStatus
from rollmodel.cli.common.printing.colours import colour
from rollmodel.cli.common.printing.rows import age, status_of
from rollmodel.cli.rollout.report import duration
from rollmodel.cli.training.tables import conditions

__all__ = ["described"]


def described(manifest: Mapping[str, Any], now: datetime) -> Iterator[RenderableType]:
    """All that status says. Raises Invalid."""
    status, meta = status_of(DriftPolicyStatus, manifest), manifest["metadata"]
    ready = find(status.conditions, "Ready")
    state = ready.reason if ready is not None else "Pending"
    target = manifest["spec"]["modelDeploymentRef"]["name"]
    title = Text(f"{meta['name']} watches {target} in {meta['namespace']}: ")
    yield title.append(state, style=colour(state))
    if ready is not None and ready.message:
        yield Text(ready.message)
    yield from _facts(status, now)
    if status.signals:
        yield Text("\nSignals", style="bold")
        yield _signals(status.signals, now)
    if status.retrains:
        yield Text("\nTrainings", style="bold")
        yield _trainings(status.retrains, now)
    found = conditions(status.conditions, now)
    if found is not None:
        yield Text("\nConditions", style="bold")
        yield found


def _facts(status: DriftPolicyStatus, now: datetime) -> Iterator[Text]:
    if status.profile is not None:
        yield Text(f"Compared with the profile of revision {status.profile.revision}, {status.profile.rows} rows.")
    if status.learnt is not None:
        learnt = status.learnt
        yield Text(f"{learnt.false_alarms} of {learnt.windows} quiet windows are called drift at 5 %.")
        if learnt.week_windows is not None:
            yield Text(f"{learnt.week_false_alarms} of {learnt.week_windows} steps of the first week are, too.")
    if status.budget is not None:
        yield Text(f"False-alarm budget: {status.budget.spent} spent, {status.budget.remaining} left.")
    if status.episode is not None:
        episode, over = status.episode, status.episode.end_time
        lasted = (
            f"over after {_between(episode.start_time, over)}" if over else f"on for {age(episode.start_time, now)}"
        )
        yield Text(f"Alarm {episode.number}, raised by {episode.trigger}: {lasted}.")


def _between(start: str, end: str) -> str:
    return duration((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())


def _signals(signals: Sequence[SignalStatus], now: datetime) -> Table:
    headings = ("SIGNAL", "VERDICT", "SINCE", "WINDOW", "ROWS", "PSI", "SEES", "LOG10 P", "WHAT")
    table = Table(*headings, box=None, pad_edge=False, header_style="dim")
    for one in signals:
        verdict = f"{one.verdict} ({one.severity})" if one.severity else one.verdict
        cells = (
            duration(one.window_seconds),
            str(one.samples or ""),
            one.corrected_psi or "",
            one.min_detectable_psi or "",
            one.log10_p or "",
            one.message or "",
        )
        table.add_row(one.name, Text(verdict, style=colour(one.verdict)), age(one.since, now), *cells)
    return table


def _trainings(retrains: Sequence[RetrainStatus], now: datetime) -> Table:
    table = Table(
        "ALARM", "AGO", "OUTCOME", "TRIGGER", "TRAININGJOB", "WHY", box=None, pad_edge=False, header_style="dim"
    )
    for one in retrains:
        table.add_row(
            one.episode, age(one.time, now), one.outcome, one.trigger, one.training_job or "", one.message or ""
        )
    return table
