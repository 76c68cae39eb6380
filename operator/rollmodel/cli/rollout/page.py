"""A report as one HTML file that needs nothing else: no script, no font, no request."""

from __future__ import annotations

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from rollmodel.cli.backtest.recording import Moment
from rollmodel.cli.rollout.charts import charts, weights
from rollmodel.cli.rollout.report import Report, duration
from rollmodel.evidence.core.words import rounded
from rollmodel.text import plain

__all__ = ["render"]

_ENVIRONMENT = Environment(
    loader=PackageLoader("rollmodel.cli.rollout", ""),
    autoescape=True,
    finalize=lambda value: plain(value) if type(value) is str else value,  # not Markup, which is ours
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["rounded"] = rounded


def render(report: Report, moments: Sequence[Moment] = (), *, made: str) -> str:
    """The page. ``moments``: the recording, for charts over time; ``made``: when it was made, for the footer."""
    template = _ENVIRONMENT.get_template("explain.html.j2")
    drawn = {metric.name: list(charts(metric, moments)) for metric in report.metrics}
    return template.render(report=report, charts=drawn, weights=weights(moments), duration=duration, made=made)
