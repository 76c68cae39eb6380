"""A report as one HTML file that needs nothing else: no script, no font, no request."""

from __future__ import annotations

from collections.abc import Sequence

from rollmodel.cli.backtest.recording import Moment
from rollmodel.cli.common.printing.html import TEMPLATES
from rollmodel.cli.rollout.charts import charts, weights
from rollmodel.cli.rollout.report import Report

__all__ = ["render"]


def render(report: Report, moments: Sequence[Moment] = (), *, made: str) -> str:
    """The page. ``moments``: the recording, for charts over time; ``made``: when it was made, for the footer."""
    template = TEMPLATES.get_template("rollout/explain.html.j2")
    drawn = {metric.name: list(charts(metric, moments)) for metric in report.metrics}
    return template.render(report=report, charts=drawn, weights=weights(moments), made=made)
