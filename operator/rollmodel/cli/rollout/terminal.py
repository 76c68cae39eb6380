"""A report for the terminal: bars for evidence, a line for the ratio with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rollmodel.api.modeldeployment import HistoryEntry
from rollmodel.cli.common.printing.colours import colour
from rollmodel.cli.rollout.report import MetricView, Proof, Report, duration
from rollmodel.evidence.core.words import evidence
from rollmodel.evidence.core.words import ratio as times

__all__ = ["moved", "parts"]

_WIDTH = 32
_SPAN = 8.0
"""The ratio's axis reaches from 1/8 to 8."""


def parts(report: Report) -> Iterator[RenderableType]:
    """What a report shows, from top to bottom."""
    yield Text.assemble((report.name, "bold"), f" in {report.namespace}")
    yield _arms(report)
    yield Text.assemble((report.outcome, f"bold {colour(report.outcome)}"), f": {report.message}")
    for label, text in (("paused", report.paused), ("last command", report.command)):
        if text:
            yield Text(f"{label}: {text}")
    for metric in report.metrics:
        yield Text.assemble("\n", (metric.name, "bold"), "  ", (metric.verdict, colour(metric.verdict)))
        yield Padding(Group(*_lines(metric)), (0, 0, 0, 2))
    if report.history:
        yield Text("\nDecisions, newest last", style="bold")
        yield _history(report)


def _arms(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for arm in report.arms:
        version = f"version {arm.version}" if arm.version else ""
        table.add_row(arm.role, arm.revision, version, f"{arm.weight} %", Text(arm.note))
    return table


def _lines(metric: MetricView) -> Iterator[RenderableType]:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for rate in metric.rates:
        low, high = rate.interval
        shown = f"{100 * rate.fraction:.3g} % ({100 * low:.3g} .. {100 * high:.3g})"
        table.add_row(rate.arm, shown, f"{rate.bad:,.0f} of {rate.total:,.0f}")
    if metric.report is not None and metric.report.ratio is not None:
        table.add_row(metric.ratio_name, *_ratio(metric, metric.report.ratio, metric.report.low, metric.report.high))
    for label, style, proof in (("harm", "red", metric.harm), ("safety", "green", metric.safe)):
        if proof is not None:
            table.add_row(label, _bar(proof, style), _way(proof))
    if table.row_count:
        yield table
    for text in (metric.noise, metric.line):
        if text:
            yield Text(text, style="dim")


def _bar(proof: Proof, colour: str) -> Text:
    full = round(proof.progress * _WIDTH)
    return Text.assemble(("█" * full, colour), ("░" * (_WIDTH - full), "dim"))


def _way(proof: Proof) -> str:
    text = f"evidence {evidence(proof.evidence)}, proven at {proof.needed:.0f}"
    if proof.shared > 1:
        text += f" (the risk is shared by {proof.shared} metrics)"
    if proof.progress < 1 and proof.seconds is not None:
        text += f", about {duration(proof.seconds)} to go{proof.provided}"
    return text


def _ratio(metric: MetricView, ratio: float, low: float | None, high: float | None) -> tuple[Text, str]:
    text = (
        f"{times(ratio, 3)} ({times(low)} .. {times(high)})"
        if low is not None and high is not None
        else times(ratio, 3)
    )
    return _axis(metric, low or ratio, ratio, high or ratio), text


def _axis(metric: MetricView, low: float, middle: float, high: float) -> Text:
    """The interval of the ratio on a log axis: ``|`` is no difference, ``!`` the harm margin, ``+`` the safe one."""
    cells = [("·", "dim")] * _WIDTH
    for column in range(_column(low), _column(high) + 1):
        cells[column] = ("─", "default")
    cells[_column(1.0)] = ("|", "default")
    if metric.margins is not None:
        harm, safe = metric.margins
        cells[_column(safe)] = ("+", "green")
        cells[_column(harm)] = ("!", "red")
    cells[_column(middle)] = ("●", "bold")
    return Text.assemble(*cells)


def _column(ratio: float) -> int:
    place = (math.log(max(ratio, 1 / _SPAN)) / math.log(_SPAN) + 1) / 2
    return min(_WIDTH - 1, max(0, round(place * (_WIDTH - 1))))


def moved(entry: HistoryEntry) -> str:
    """Which version it was about, and where the traffic went."""
    before, about = entry.from_version or entry.from_revision, entry.to_version or entry.to_revision
    if before is None:
        return about
    return f"{before} → {about}" if entry.verdict == "Promoted" else f"{about}, {before} stays"


def _history(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for entry in report.history:
        by = f"by {entry.by}" if entry.by else ""
        table.add_row(
            entry.time, Text(entry.verdict, style=colour(entry.verdict)), moved(entry), Text(entry.reason), by
        )
    return table
