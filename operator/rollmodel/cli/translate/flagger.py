"""Canary of Flagger (flagger.app/v1beta1), with the Deployment that it targets where that is in the same files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rollmodel.cli.translate.draft import Draft, Source, seconds
from rollmodel.cli.translate.pods import pod
from rollmodel.cli.translate.steps import growing, thinned

__all__ = ["canary"]

_ANALYSIS = ("spec", "analysis")
_SERVICE = ("spec", "service")


def canary(draft: Draft, others: Sequence[Mapping[str, Any]]) -> None:
    """Fill the draft."""
    _target(draft, others)
    _traffic(draft)
    _steps(draft)
    _metrics(draft)
    limit = seconds(draft.source.take("spec", "progressDeadlineSeconds"))
    draft.put(round(limit) if limit else None, "rollout", "deadlineSeconds")
    if draft.source.take("spec", "skipAnalysis") is True:
        draft.spec["analysis"] = {"metrics": []}
    draft.missing(
        ("spec", "autoscalerRef"), "an autoscaler scales the ModelDeployment itself, by its scale subresource"
    )
    draft.missing(("spec", "provider"), "routes are Gateway API")
    draft.missing(("spec", "ingressRef"), "routes are Gateway API: `traffic.parentRefs`")


def _target(draft: Draft, others: Sequence[Mapping[str, Any]]) -> None:
    target = draft.source.look("spec", "targetRef") or {}
    draft.kept(("spec", "targetRef"), "the operator makes the Deployments; yours is no longer needed")
    for other in others:
        metadata = other.get("metadata") or {}
        if other.get("kind") == target.get("kind") == "Deployment" and metadata.get("name") == target.get("name"):
            inner = Draft(Source(other), draft.spec, draft.notes)
            inner.move(("spec", "replicas"), "scale", "replicas")
            inner.kept(("spec", "selector"), "each revision has labels of its own")
            pod(inner, ("spec", "template"))
            for path in inner.source.left():
                inner.missing(path, f"of Deployment {target.get('name')}: has no counterpart")
            return
    draft.todo(
        "spec.runtime", f"image, port and resources are those of Deployment {target.get('name')}: write them here"
    )


def _traffic(draft: Draft) -> None:
    gateways = draft.source.take(*_SERVICE, "gatewayRefs") or []
    known = ("name", "namespace", "sectionName")
    draft.put([{key: one[key] for key in known if key in one} for one in gateways], "traffic", "parentRefs")
    port = draft.source.take(*_SERVICE, "targetPort") or draft.source.look(*_SERVICE, "port")
    if isinstance(port, int):
        draft.put(port, "runtime", "port")
    draft.kept((*_SERVICE, "port"), "the Service listens on a port of its own, the container on `runtime.port`")
    hosts = draft.source.take(*_SERVICE, "hosts")
    prefixes = [
        prefix
        for match in draft.source.take(*_SERVICE, "match") or []
        if (prefix := (match.get("uri") or {}).get("prefix") or ((match.get("path") or {}).get("value")))
    ]
    timeout = seconds(draft.source.take(*_SERVICE, "timeout"))
    if gateways:
        draft.put(hosts, "traffic", "hostnames")
        draft.put(prefixes[0] if prefixes else None, "traffic", "pathPrefix")
        draft.put(max(1, round(timeout)) if timeout else None, "traffic", "requestTimeoutSeconds")
    else:
        draft.todo("spec.traffic", "name the Gateway in `parentRefs`; without it traffic is split by the ratio of pods")
    draft.missing((*_SERVICE, "retries"), "a policy of your gateway")


def _steps(draft: Draft) -> None:
    take = draft.source.take
    weights = take(*_ANALYSIS, "stepWeights")
    step, most = take(*_ANALYSIS, "stepWeight"), take(*_ANALYSIS, "maxWeight") or 50
    if not weights and step:
        weights = list(range(step, most + 1, step))
    steps = thinned(growing(weights or []))
    interval = seconds(take(*_ANALYSIS, "interval"))
    if steps and interval:
        steps = [{**one, "minSeconds": round(interval)} for one in steps]
    draft.put(steps, "rollout", "steps")
    if take(*_ANALYSIS, "mirror"):
        draft.put("Shadow", "rollout", "strategy")
        percent = take(*_ANALYSIS, "mirrorWeight")
        draft.put({"percent": percent} if percent else None, "rollout", "shadow")
    draft.missing((*_ANALYSIS, "iterations"), "a step ends when the evidence is enough, not after a number of checks")
    draft.missing((*_ANALYSIS, "threshold"), "not a number of failed checks, but the risks of `analysis` decide")
    draft.missing((*_ANALYSIS, "match"), "`rollout.strategy: ABTest` tells clients apart by a header or cookie")
    draft.missing((*_ANALYSIS, "webhooks"), "`rollmodel wait` in a pipeline, and `pause: Manual` as a gate")
    draft.missing((*_ANALYSIS, "alerts"), "alerts of Prometheus: docs/runbooks")
    draft.missing((*_ANALYSIS, "stepWeightPromotion"), "after the last step the candidate has all traffic at once")


def _metrics(draft: Draft) -> None:
    found = []
    for index, metric in enumerate(draft.source.look(*_ANALYSIS, "metrics") or []):
        path, name = (*_ANALYSIS, "metrics", index), metric.get("name")
        limits = metric.get("thresholdRange") or {}
        if name == "request-success-rate":
            ceiling = round(1 - float(limits["min"]) / 100, 6) if "min" in limits else None
            most = {"ceiling": f"{ceiling:g}"} if ceiling and 0 < ceiling < 1 else {}
            found.append({"name": "errors", "preset": "Errors", **most})
            draft.kept(path, "errors are compared with those of the stable version; the limit is `ceiling`")
        elif name == "request-duration":
            limit = float(limits.get("max", 500)) / 1000
            found.append({"name": "slow-requests", "preset": "SlowRequests", "slowerThanSeconds": f"{limit:g}"})
            draft.kept(path, "requests slower than the limit are compared with those of the stable version")
        else:
            draft.missing(path, "write its query as `counts`, `mean` or `value`")
    draft.put(found, "analysis", "metrics")
