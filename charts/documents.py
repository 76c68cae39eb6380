"""What people read about the values: the tables of the chart's README, and the descriptions in its schema."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from charts.values import Value, read

__all__ = ["documents"]

_BEGIN, _END = "<!-- values: written by `make manifests` from values.yaml -->\n", "<!-- end of values -->\n"


def documents(chart: Path) -> Mapping[Path, str]:
    """File -> content. Raises ValueError for a value without a comment, or a README without room for the tables."""
    values = read((chart / "values.yaml").read_text(encoding="utf-8"))
    readme, schema = chart / "README.md", chart / "values.schema.json"
    described = _described(json.loads(schema.read_text(encoding="utf-8")), values)
    return {
        readme: _readme(readme.read_text(encoding="utf-8"), values),
        schema: json.dumps(described, indent=2, ensure_ascii=False) + "\n",
    }


def _readme(text: str, values: Sequence[Value]) -> str:
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError("README.md has no place for the values")
    return before + begin + "\n" + "\n".join(_sections(values)) + "\n" + end + after


def _sections(values: Sequence[Value]) -> list[str]:
    lines = []
    for section, members in groupby(values, key=lambda value: value.section):
        lines += [f"### {section}", "", "| value | default | |", "|---|---|---|"]
        lines += [f"| `{one.name}` | {_default(one.default)} | {one.text} |" for one in members]
        lines.append("")
    return lines[:-1]


def _default(value: Any) -> str:
    return "" if value is None or value == "" else f"`{json.dumps(value)}`".replace('`"', "`").replace('"`', "`")


def _described(schema: dict[str, Any], values: Sequence[Value]) -> dict[str, Any]:
    """The schema, with each value's comment as description. Raises ValueError for a value that it does not know."""
    for value in values:
        node = schema
        for key in value.path:
            node = node.get("properties", {}).get(key)
            if node is None:
                raise ValueError(f"values.schema.json does not know {value.name}")
        node["description"] = value.text
    return schema
