"""AnalysisTemplates of Argo Rollouts: queries of Prometheus with one limit become `analysis.metrics`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rollmodel.cli.translate.draft import Draft

__all__ = ["analyses"]

Others = Sequence[Mapping[str, Any]]
Path = Sequence[str | int]

_KINDS = {"AnalysisTemplate", "ClusterAnalysisTemplate"}
_CONDITION = re.compile(r"\s*(?:result\[0\]|result)\s*(<=|<|>=|>)\s*(-?\d+(?:\.\d+)?)\s*")


def analyses(draft: Draft, others: Others, paths: Sequence[Path]) -> bool:
    """Take over metrics of the templates that the analyses at ``paths`` name, in the same files; whether there are."""
    templates = {one["metadata"]["name"]: one for one in others if one.get("kind") in _KINDS}
    told = [path for path in paths if draft.source.look(*path) is not None]
    named = [one.get("templateName", "") for path in told for one in draft.source.look(*path, "templates") or []]
    metrics = [
        _metric(draft, name, metric)
        for name in dict.fromkeys(named)
        for metric in (templates.get(name) or {}).get("spec", {}).get("metrics") or []
    ]
    for path in told:
        draft.kept(path, "`analysis.metrics`; see what became of each")
    found = [metric for metric in metrics if metric]
    draft.put([{"name": "errors", "preset": "Errors"}, *found] if found else None, "analysis", "metrics")
    if told and not metrics:
        draft.todo("spec.analysis", "the AnalysisTemplate is not in these files: errors are judged")
    return bool(found)


def _metric(draft: Draft, template: str, metric: Mapping[str, Any]) -> dict[str, Any] | None:
    place = f"AnalysisTemplate {template}, metric {metric.get('name')}"
    query = ((metric.get("provider") or {}).get("prometheus") or {}).get("query")
    condition = _CONDITION.fullmatch(str(metric.get("successCondition", "")))
    if not query or condition is None:
        draft.todo("spec.analysis.metrics", f"{place}: only a query of Prometheus with one limit can be taken over")
        return None
    if "{{" in query:
        draft.todo("spec.analysis.metrics", f"{place}: its query has arguments; write it with our `{{{{ selector }}}}`")
        return None
    limit = "max" if condition[1].startswith("<") else "min"
    draft.todo("spec.analysis.metrics", f"{place}: a fixed limit has no known error rate; `counts` would compare")
    value = {"query": query, limit: condition[2]}
    if isinstance(metric.get("failureLimit"), int):
        value["failureLimit"] = metric["failureLimit"]
    return {"name": str(metric.get("name", "value")).lower(), "value": value}
