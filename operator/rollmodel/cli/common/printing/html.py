"""HTML from templates in this package. What objects say is text there: it is escaped, and never acts."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from rollmodel.cli.rollout.report import duration
from rollmodel.evidence.core.words import evidence, rounded
from rollmodel.text import plain

__all__ = ["TEMPLATES"]

#: Templates are named by their path in this package, e.g. ``rollout/explain.html.j2``.
TEMPLATES = Environment(
    loader=PackageLoader("rollmodel.cli", ""),
    autoescape=True,
    finalize=lambda value: plain(value) if type(value) is str else value,  # not Markup, which is ours
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters["rounded"] = rounded
TEMPLATES.filters["evidence"] = evidence
TEMPLATES.globals["duration"] = duration
