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
#: Flagger's own default.
_INTERVAL = 60.0


def canary(draft: Draft, others: Sequence[Mapping[str, Any]]) -> None:
    """Fill the draft."""
    _target(draft, others)
    _traffic(draft)
    _strategy(draft)
    _gateway(draft)
    _metrics(draft)
    limit = seconds(draft.source.take("spec", "progressDeadlineSeconds"))
    draft.put(round(limit) if limit else None, "rollout", "deadlineSeconds")
    if draft.source.take("spec", "skipAnalysis") is True and _chosen(draft) != "ABTest":
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
    draft.missing((*_SERVICE, "retries"), "a policy of your gateway")


def _gateway(draft: Draft) -> None:
    """What is said of a Gateway that Flagger's provider did not need; some strategies here do."""
    if "traffic" in draft.spec:
        return
    if _chosen(draft) in {"Shadow", "ABTest"}:
        draft.put([{"name": "gateway"}], "traffic", "parentRefs")
        draft.todo("spec.traffic", f"{_chosen(draft)} takes a Gateway: its name is guessed")
        return
    draft.todo("spec.traffic", "name the Gateway in `parentRefs`; without it traffic is split by the ratio of pods")


def _chosen(draft: Draft) -> str:
    return str(draft.spec.get("rollout", {}).get("strategy", "Canary"))


def _strategy(draft: Draft) -> None:
    """Flagger tells strategies apart by fields: ``match`` is an A/B test, ``iterations`` alone is blue/green."""
    take = draft.source.take
    interval, checks = seconds(take(*_ANALYSIS, "interval")), draft.source.look(*_ANALYSIS, "iterations")
    weights = _weights(draft)
    lasts = round((interval or _INTERVAL) * checks) if isinstance(checks, int) else None
    mirrors = take(*_ANALYSIS, "mirror") is True
    if draft.source.look(*_ANALYSIS, "match"):
        _clients(draft, lasts)
    elif lasts and not weights and not mirrors:
        draft.put("BlueGreen", "rollout", "strategy")
        draft.put({"previewSeconds": lasts}, "rollout", "blueGreen")
        draft.kept((*_ANALYSIS, "iterations"), "`blueGreen.previewSeconds`: checks times the interval")
        draft.todo(
            "spec.analysis", "nobody is compared in a preview: set a `ceiling` on what must take the traffic back"
        )
    else:
        _canary_steps(draft, weights, interval)
    if mirrors:
        _mirror(draft, None if weights else lasts)
    draft.missing((*_ANALYSIS, "iterations"), "a step ends when the evidence is enough, not after a number of checks")
    draft.missing((*_ANALYSIS, "threshold"), "not a number of failed checks, but the risks of `analysis` decide")
    draft.missing((*_ANALYSIS, "webhooks"), "`rollmodel wait` in a pipeline, and `pause: Manual` as a gate")
    draft.missing((*_ANALYSIS, "alerts"), "`notify`, and alerts of Prometheus: docs/runbooks")
    draft.missing((*_ANALYSIS, "stepWeightPromotion"), "after the last step the candidate has all traffic at once")


def _weights(draft: Draft) -> list[float]:
    take = draft.source.take
    given, step, most = (take(*_ANALYSIS, part) for part in ("stepWeights", "stepWeight", "maxWeight"))
    return list(given or (range(step, (most or 50) + 1, step) if step else ()))


def _canary_steps(draft: Draft, weights: Sequence[float], interval: float | None) -> None:
    steps = thinned(growing(weights))
    if steps and interval:
        steps = [{**one, "minSeconds": round(interval)} for one in steps]
    draft.put(steps, "rollout", "steps")


def _mirror(draft: Draft, lasts: int | None) -> None:
    """Copies before the first weight. ``lasts``: seconds of copies after which all traffic follows at once."""
    percent = draft.source.take(*_ANALYSIS, "mirrorWeight")
    shadow = {"percent": percent or 100, **({"minSeconds": lasts, "then": "Promote"} if lasts else {})}
    draft.put("Shadow", "rollout", "strategy")
    draft.put(shadow, "rollout", "shadow")
    if lasts:
        draft.kept((*_ANALYSIS, "iterations"), "`shadow.minSeconds`: checks times the interval")


def _clients(draft: Draft, lasts: int | None) -> None:
    """Clients with a header of one value are group B; more than that a mark cannot say."""
    matches = draft.source.take(*_ANALYSIS, "match")
    headers = [one for match in matches for one in (match.get("headers") or {}).items()]
    exact = [(name, how["exact"]) for name, how in headers if isinstance(how, dict) and "exact" in how]
    plain = [(name, value) for name, value in exact if name.lower() != "cookie"]
    name, value = plain[0] if plain else ("x-group", "b")
    test = {"header": {"name": name, "value": value}, "onNoDifference": "Promote"}
    draft.put("ABTest", "rollout", "strategy")
    draft.put({**test, **({"horizonSeconds": max(lasts, 60)} if lasts else {})}, "rollout", "abTest")
    draft.kept((*_ANALYSIS, "iterations"), "`abTest.horizonSeconds`: checks times the interval")
    if (len(matches), len(headers), len(plain)) != (1, 1, 1):
        text = "clients are told apart by one header or cookie with one value: the conditions cannot be taken over"
        draft.todo("spec.rollout.abTest", text)
    draft.todo("spec.rollout.abTest.percent", "the share of requests that such clients send, for the number of pods")


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
