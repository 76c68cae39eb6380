"""Rollout of Argo Rollouts (argoproj.io/v1alpha1), with AnalysisTemplates of the same files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rollmodel.cli.translate.draft import Draft, seconds
from rollmodel.cli.translate.pods import pod
from rollmodel.cli.translate.steps import thinned

__all__ = ["rollout"]

Others = Sequence[Mapping[str, Any]]

_CONDITION = re.compile(r"\s*(?:result\[0\]|result)\s*(<=|<|>=|>)\s*(-?\d+(?:\.\d+)?)\s*")
_CANARY = ("spec", "strategy", "canary")
_BLUE_GREEN = ("spec", "strategy", "blueGreen")
_OTHER_STEPS = {
    "setCanaryScale": "a candidate has as many pods as its share needs; `podsPercent` of a step asks for more",
    "setHeaderRoute": "`rollout.strategy: ABTest` tells clients apart by a header",
    "setMirrorRoute": "`rollout.strategy: Shadow` copies requests before the first weight",
    "experiment": "`rollmodel backtest` tries a policy on the past; there is no baseline beside the candidate",
    "analysis": "`analysis.metrics` judge during all steps",
    "plugin": "no plugins",
}


def rollout(draft: Draft, others: Others) -> None:
    """Fill the draft."""
    draft.move(("spec", "replicas"), "scale", "replicas")
    draft.kept(("spec", "selector"), "each revision has labels of its own")
    draft.kept(("spec", "revisionHistoryLimit"), "status keeps the last 20 decisions, and records of revisions")
    draft.missing(("spec", "workloadRef"), "write image, port and resources of that Deployment into `runtime`")
    _seconds(draft, ("spec", "progressDeadlineSeconds"), "deadlineSeconds")
    _seconds(draft, ("spec", "minReadySeconds"), "warmUpSeconds")
    if draft.source.look("spec", "template"):
        pod(draft, ("spec", "template"))
    if draft.source.look(*_BLUE_GREEN) is not None:
        _blue_green(draft)
    else:
        _canary(draft, others)


def _canary(draft: Draft, others: Others) -> None:
    steps: list[dict[str, Any]] = []
    for index, step in enumerate(draft.source.look(*_CANARY, "steps") or []):
        _step(draft, steps, index, step)
    draft.put(thinned(steps), "rollout", "steps")
    _seconds(draft, (*_CANARY, "scaleDownDelaySeconds"), "drainSeconds")
    for part in ("maxSurge", "maxUnavailable"):
        draft.missing((*_CANARY, part), "the stable revision keeps its pods until the candidate has all traffic")
    for part in ("stableService", "canaryService"):
        draft.kept((*_CANARY, part), "the operator makes its Services itself")
    draft.missing((*_CANARY, "dynamicStableScale"), "the stable revision can always take all traffic")
    if draft.source.look(*_CANARY, "trafficRouting") is not None:
        draft.missing((*_CANARY, "trafficRouting"), "routes are Gateway API: name the Gateway in `traffic.parentRefs`")
        draft.todo("spec.traffic", "without it traffic is split by the ratio of pods")
    _analyses(draft, others)


def _step(draft: Draft, steps: list[dict[str, Any]], index: int, step: Mapping[str, Any]) -> None:
    path = (*_CANARY, "steps", index)
    if "setWeight" in step:
        highest = max((one["weight"] for one in steps if "weight" in one), default=0)
        if highest < step["setWeight"] < 100:
            draft.source.take(*path)
            steps.append({"weight": step["setWeight"]})
        else:
            draft.kept(path, "weights grow, and 100 % comes by itself after the last step")
    elif "pause" in step:
        _pause(draft, steps, path, (step["pause"] or {}).get("duration"))
    else:
        kind = next(iter(step), "")
        draft.missing(path, _OTHER_STEPS.get(kind, "has no counterpart"))


def _pause(draft: Draft, steps: list[dict[str, Any]], path: Sequence[str | int], duration: Any) -> None:
    if duration is None:
        draft.source.take(*path)
        steps.append({"pause": "Manual"})
        return
    least = seconds(duration)
    if least is None or not steps or "weight" not in steps[-1]:
        draft.missing(path, "there is no weight before it that could last so long")
        return
    steps[-1]["minSeconds"] = steps[-1].get("minSeconds", 0) + round(least)
    draft.kept(path, "`minSeconds` of the step: it ends then if the evidence is enough, and not before")


def _blue_green(draft: Draft) -> None:
    draft.todo("spec.rollout", "blue/green became a canary: a small step, then all traffic")
    steps: list[dict[str, Any]] = [{"weight": 5}]
    if draft.source.take(*_BLUE_GREEN, "autoPromotionEnabled") is False:
        steps.append({"pause": "Manual"})
    draft.put(steps, "rollout", "steps")
    bake = draft.source.take(*_BLUE_GREEN, "scaleDownDelaySeconds")
    draft.put(bake, "rollout", "bakeSeconds")
    wait = draft.source.take(*_BLUE_GREEN, "autoPromotionSeconds")
    if wait:
        steps[0]["minSeconds"] = wait
    for part in ("activeService", "previewService"):
        draft.kept((*_BLUE_GREEN, part), "the operator makes its Services itself")
    for part in ("prePromotionAnalysis", "postPromotionAnalysis"):
        draft.missing((*_BLUE_GREEN, part), "`analysis.metrics` judge while the candidate has traffic")


def _analyses(draft: Draft, others: Others) -> None:
    """Metrics of the templates that the rollout names, where they are in the same files."""
    templates = {one["metadata"]["name"]: one for one in others if one.get("kind") == "AnalysisTemplate"}
    metrics: list[dict[str, Any] | None] = []
    for one in draft.source.look(*_CANARY, "analysis", "templates") or []:
        template = templates.get(one.get("templateName", ""))
        given = (template or {}).get("spec", {}).get("metrics") or []
        metrics += [_metric(draft, one["templateName"], metric) for metric in given]
    if draft.source.look(*_CANARY, "analysis") is None:
        return
    found = [metric for metric in metrics if metric]
    draft.kept((*_CANARY, "analysis"), "`analysis.metrics`; see what became of each")
    draft.put([{"name": "errors", "preset": "Errors"}, *found] if found else None, "analysis", "metrics")
    if not metrics:
        draft.todo("spec.analysis", "the AnalysisTemplate is not in these files: errors are judged")


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


def _seconds(draft: Draft, path: Sequence[str], target: str) -> None:
    found = seconds(draft.source.take(*path))
    draft.put(round(found) if found is not None else None, "rollout", target)
