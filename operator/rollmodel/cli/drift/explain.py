"""``rollmodel explain`` for a DriftPolicy: what changed, what it can see, and both distributions side by side."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from rollmodel.cli.common import cluster, prometheus
from rollmodel.cli.common.printing.console import show
from rollmodel.cli.drift import page, tables
from rollmodel.cli.drift.counts import with_counts
from rollmodel.cli.drift.past import with_last_look
from rollmodel.cli.drift.report import Distribution, PolicyReport, WindowView, of_manifest
from rollmodel.cli.rollout.report import duration
from rollmodel.errors import RollmodelError

__all__ = ["explained", "parts"]

_WIDTH, _SHOWN = 24, 3


def explained(manifest: Mapping[str, Any], arguments: argparse.Namespace, now: datetime) -> None:
    """Print the policy, and write the page if one is asked for. Raises errors of ours, and OSError."""
    report = of_manifest(manifest)
    if report.spec.source.counts is not None:
        report = _with_counts(report, arguments)
    elif arguments.prometheus:
        metrics, matchers = prometheus.connected(arguments), prometheus.matchers(arguments)
        report = asyncio.run(with_last_look(report, metrics, matchers=matchers))
    show(*parts(report, manifest, now))
    if arguments.html:
        text = page.render(report, made=now.strftime("%Y-%m-%d %H:%M UTC"))
        arguments.html.write_text(text, encoding="utf-8")


def _with_counts(report: PolicyReport, arguments: argparse.Namespace) -> PolicyReport:
    """From the ConfigMap, if the object comes from a cluster. What is known without it is shown anyway."""
    if arguments.file is not None:
        return report
    try:
        return cluster.run(report.namespace, arguments.kubeconfig, lambda session: with_counts(report, session))
    except RollmodelError as error:
        print(f"rollmodel explain: distributions are not shown: {error}", file=sys.stderr)
        return report


def parts(report: PolicyReport, manifest: Mapping[str, Any], now: datetime) -> Iterator[RenderableType]:
    """From top to bottom; what Prometheus told comes last."""
    yield from tables.described(manifest, now)
    if report.windows:
        yield Text("\nWhat it can see", style="bold")
        yield _windows(report.windows)
    changed = [one for one in report.distributions if one.drifted]
    for one in [*changed, *(one for one in report.distributions if not one.drifted)][: max(_SHOWN, len(changed))]:
        yield Text.assemble("\n", (one.column, "bold"), f"  {duration(one.window_seconds)}, {one.rows} rows")
        yield _bars(one)


def _windows(windows: Sequence[WindowView]) -> Table:
    table = Table("WINDOW", "ROWS", "SEES PSI", "SHIFT", box=None, pad_edge=False, header_style="dim")
    for one in windows:
        seen = (f"{one.visible:.3g}", f"{one.shift:.2g} sd") if one.enough else ("nothing yet", "")
        table.add_row(duration(one.width), str(one.rows), *seen)
    return table


def _bars(one: Distribution) -> Table:
    """Training above, now below, for each bin."""
    table = Table("BIN", "IN TRAINING", "NOW", "", box=None, pad_edge=False, header_style="dim")
    highest = max((max(each.before, each.now) for each in one.bins), default=0.0) or 1.0
    for each in one.bins:
        drawn = "█" * round(_WIDTH * each.now / highest)
        mark = round(_WIDTH * each.before / highest)
        line = f"{drawn:<{_WIDTH + 1}}"
        table.add_row(each.label, f"{each.before:.1%}", f"{each.now:.1%}", Text(f"{line[:mark]}│{line[mark + 1 :]}"))
    if one.nulls[1] or one.nulls[0]:
        table.add_row("missing", f"{one.nulls[0]:.1%}", f"{one.nulls[1]:.1%}", Text(""))
    return table
