"""The few parts of Grafana's dashboard JSON that ours need: https://grafana.com/docs/grafana/latest/dashboards/.

Panels are laid out in rows of 24 columns, in the order in which they are given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Dashboard", "Panel", "Query", "Row", "variable"]

Json = dict[str, Any]

_COLUMNS = 24
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Query:
    """A query, and how its series are called: ``{{label}}`` is filled in."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture. ``unit`` is one of Grafana's: ``short``, ``reqps``, ``s``, ``percentunit``."""

    title: str
    queries: Sequence[Query]
    kind: Literal["timeseries", "stat", "table", "state-timeline"] = "timeseries"
    unit: str = "short"
    about: str = ""
    width: int = 8
    height: int = 8
    most: float | None = None
    least: float | None = 0
    """None where values may be below 0, as logarithms are."""
    words: Mapping[str, str] = field(default_factory=dict)
    """What a value is called, e.g. ``{"1": "yes"}``."""
    colours: Mapping[str, str] = field(default_factory=dict)
    """Colour of a value that has a word."""


@dataclass(frozen=True, slots=True)
class Row:
    """A heading, and the panels below it."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page. ``uid`` is its address, and never changes."""

    uid: str
    title: str
    about: str
    rows: Sequence[Row]
    variables: Sequence[Json] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Name -> query whose series are marks in all pictures."""

    def to_json(self) -> Json:
        """As Grafana imports it."""
        source = {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.about,
            "tags": ["rollmodel"],
            "schemaVersion": 39,
            "editable": True,
            "graphTooltip": 1,  # one cross-hair in all pictures
            "refresh": "30s",
            "time": {"from": "now-3h", "to": "now"},
            "templating": {"list": [source, *self.variables]},
            "annotations": {"list": [_mark(name, expr) for name, expr in self.annotations.items()]},
            "links": [{"type": "dashboards", "title": "Rollmodel", "tags": ["rollmodel"], "asDropdown": True}],
            "panels": list(self._panels()),
        }

    def _panels(self) -> Iterator[Json]:
        number, top = 0, 0
        for row in self.rows:
            number += 1
            yield {
                "id": number,
                "type": "row",
                "title": row.title,
                "collapsed": False,
                "gridPos": _place(0, top, 24, 1),
            }
            left, top, tallest = 0, top + 1, 0
            for panel in row.panels:
                if left + panel.width > _COLUMNS:
                    left, top, tallest = 0, top + tallest, 0
                number += 1
                yield {"id": number, **_panel(panel), "gridPos": _place(left, top, panel.width, panel.height)}
                left, tallest = left + panel.width, max(tallest, panel.height)
            top += tallest


def variable(name: str, query: str, label: str) -> Json:
    """A choice at the head of the page, filled by a query such as ``label_values(metric, label)``."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,  # again when the time changes
        "sort": 1,
    }


def _place(left: int, top: int, width: int, height: int) -> Json:
    return {"x": left, "y": top, "w": width, "h": height}


def _panel(panel: Panel) -> Json:
    table = panel.kind == "table"
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "targets": [
            _target(number, query, now=panel.kind in ("stat", "table"), table=table)
            for number, query in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": _field(panel), "overrides": []},
        "options": _OPTIONS[panel.kind],
        **(
            {"transformations": [{"id": "organize", "options": {"excludeByName": {"Time": True, "Value": True}}}]}
            if table
            else {}
        ),
    }


def _field(panel: Panel) -> Json:
    mappings = {
        value: {"text": word, "color": panel.colours.get(value, "text"), "index": index}
        for index, (value, word) in enumerate(panel.words.items())
    }
    line = {"lineWidth": 1, "fillOpacity": 10, "spanNulls": False} if panel.kind == "timeseries" else {}
    return {
        "unit": panel.unit,
        "min": panel.least if panel.kind == "timeseries" else None,
        "max": panel.most,
        "custom": line,
        "mappings": [{"type": "value", "options": mappings}] if mappings else [],
    }


def _target(number: int, query: Query, *, now: bool, table: bool) -> Json:
    return {
        "refId": chr(ord("A") + number),
        "datasource": _SOURCE,
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "instant": now,
        "range": not now,
        "format": "table" if table else "time_series",
    }


def _mark(name: str, expr: str) -> Json:
    return {"name": name, "datasource": _SOURCE, "enable": True, "iconColor": "blue", "expr": expr, "step": "30s"}


_OPTIONS: Mapping[str, Json] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "none"},
    "table": {"showHeader": True},
    "state-timeline": {"mergeValues": True, "showValue": "auto", "rowHeight": 0.8},
}
