"""Rollout of Argo Rollouts (argoproj.io/v1alpha1), with AnalysisTemplates of the same files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rollmodel.cli.translate.argo_analysis import analyses
from rollmodel.cli.translate.draft import Draft, seconds
from rollmodel.cli.translate.pods import pod
from rollmodel.cli.translate.steps import thinned

__all__ = ["rollout"]

Others = Sequence[Mapping[str, Any]]

_CANARY = ("spec", "strategy", "canary")
_BLUE_GREEN = ("spec", "strategy", "blueGreen")
_OTHER_STEPS = {
    "setCanaryScale": "a candidate has as many pods as its share needs; `podsPercent` of a step asks for more",
    "setHeaderRoute": "`rollout.strategy: ABTest` tells clients apart by a header",
    "setMirrorRoute": "`rollout.strategy: Shadow` copies requests before the first weight",
    "experiment": "`rollout.baseline: Fresh` compares a canary with fresh pods of stable",
    "analysis": "`analysis.metrics` judge during all steps",
    "plugin": "no plugins",
}
#: Analyses before and after the switch. Here metrics hold for both: what has no comparison has a limit.
_PROMOTION = ("prePromotionAnalysis", "postPromotionAnalysis")
_NOT_BLUE_GREEN = {
    "previewReplicaCount": "a preview has all pods: after the switch there is no time to start any",
    "scaleDownDelayRevisionLimit": "one revision stays warm: the one that was replaced",
    "antiAffinity": "pods of each revision are spread over nodes; more: `affinity` in `runtime.podTemplate`",
    "maxUnavailable": "no pod goes away before the switch",
    "activeMetadata": "labels of ours tell revisions apart",
    "previewMetadata": "labels of ours tell revisions apart",
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
        _blue_green(draft, others)
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
    analyses(draft, others, [(*_CANARY, "analysis")])


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


def _blue_green(draft: Draft, others: Others) -> None:
    """The same strategy here. Without ``autoPromotionEnabled`` Argo switches once pods are ready, as we do."""
    take = draft.source.take
    draft.put("BlueGreen", "rollout", "strategy")
    by_hand, wait = take(*_BLUE_GREEN, "autoPromotionEnabled") is False, take(*_BLUE_GREEN, "autoPromotionSeconds")
    step: dict[str, Any] = {"switch": "Manual"} if by_hand else {"previewSeconds": wait} if wait else {}
    draft.put(step, "rollout", "blueGreen")
    draft.put(take(*_BLUE_GREEN, "scaleDownDelaySeconds"), "rollout", "bakeSeconds")
    draft.put(take(*_BLUE_GREEN, "abortScaleDownDelaySeconds"), "rollout", "drainSeconds")
    draft.kept((*_BLUE_GREEN, "activeService"), f"Service `{draft.name}` leads to what serves")
    draft.kept((*_BLUE_GREEN, "previewService"), f"Service `{draft.name}-preview`, while there is somebody to preview")
    for part, text in _NOT_BLUE_GREEN.items():
        draft.missing((*_BLUE_GREEN, part), text)
    found = analyses(draft, others, [(*_BLUE_GREEN, part) for part in _PROMOTION])
    if not found:
        text = "nobody is left to compare with after the switch: set a `ceiling` on what must take the traffic back"
        draft.todo("spec.analysis", text)


def _seconds(draft: Draft, path: Sequence[str], target: str) -> None:
    found = seconds(draft.source.take(*path))
    draft.put(round(found) if found is not None else None, "rollout", target)
