"""From the rules of an HTTPRoute to Envoy routes. Pure.

Rules: https://gateway-api.sigs.k8s.io/reference/spec/ (HTTPRouteRule, HTTPRouteMatch, GEP-2257 durations, GEP-3171
mirror shares). Envoy: https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from localcluster.kubeapi import Object

from .backends import INVALID_CLUSTER, Backends
from .snapshot import Reason, key

__all__ = ["RankedRoute", "duration_seconds", "envoy_routes", "unsupported"]

_DEFAULT_TIMEOUT_SECONDS = 15.0  # Envoy's own default, made visible
_ERROR_500: Object = {"direct_response": {"status": 500}}
_UNIT_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


@dataclass(frozen=True, slots=True)
class RankedRoute:
    """An Envoy route and its precedence: the one with the smaller rank is tried first."""

    rank: tuple[object, ...]
    route: Object


def unsupported(route: Object) -> Reason | None:
    """What a route asks for that is not served here."""
    for rule in route["spec"].get("rules", ()):
        if other := {item["type"] for item in rule.get("filters", ())} - {"RequestMirror", "URLRewrite"}:
            return Reason("UnsupportedValue", f"filters of type {', '.join(sorted(other))} are not supported here")
        if not all(_new_prefix(item) for item in rule.get("filters", ()) if item["type"] == "URLRewrite"):
            return Reason("UnsupportedValue", "of URLRewrite only a path of type ReplacePrefixMatch is supported here")
        if any(reference.get("filters") for reference in rule.get("backendRefs", ())):
            return Reason("UnsupportedValue", "filters of a single backendRef are not supported here")
        for match in rule.get("matches", ()):
            parts = [match.get("path", {}), *match.get("headers", ()), *match.get("queryParams", ())]
            if any(part.get("type") == "RegularExpression" for part in parts):
                return Reason("UnsupportedValue", "matches of type RegularExpression are not supported here")
    return None


def envoy_routes(route: Object, backends: Backends) -> tuple[list[RankedRoute], list[Reason]]:
    """All matches of all rules as routes, and what could not be resolved."""
    found, problems = [], []
    namespace, name = key(route)
    age = (route["metadata"].get("creationTimestamp", ""), namespace, name)
    for number, rule in enumerate(route["spec"].get("rules", ())):
        action, faults = _action(rule, namespace, backends)
        problems += faults
        for position, match in enumerate(rule.get("matches") or [{}]):
            rank = (*_specificity(match), *age, number, position)
            found.append(RankedRoute(rank, {"match": _match(match), **_rewritten(action, rule, match)}))
    return found, problems


def duration_seconds(text: str) -> float:
    """A GEP-2257 duration (``1h30m``, ``500ms``) in seconds."""
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in re.findall(r"(\d+)(ms|h|m|s)", text))


# -- actions --------------------------------------------------------------------------------------------------------


def _action(rule: Object, namespace: str, backends: Backends) -> tuple[Object, list[Reason]]:
    weighted, problems = _weighted(rule.get("backendRefs", ()), namespace, backends)
    mirrors, more = _mirrors(rule.get("filters", ()), namespace, backends)
    problems += more
    if not weighted:
        return _ERROR_500, problems
    action: Object = {
        "weighted_clusters": {"clusters": weighted},
        "cluster_not_found_response_code": "INTERNAL_SERVER_ERROR",
        "timeout": f"{_timeout(rule.get('timeouts', {})):.3f}s",
    }
    if mirrors:
        action["request_mirror_policies"] = mirrors
    return {"route": action}, problems


def _rewritten(action: Object, rule: Object, match: Object) -> Object:
    """The action with another prefix in place of this match's, where a filter asks for it."""
    prefix = match.get("path", {}).get("value", "/").rstrip("/")
    new = next((_new_prefix(item) for item in rule.get("filters", ()) if item["type"] == "URLRewrite"), None)
    if not (prefix and new and "route" in action):
        return action
    rest, kept = (r"(/+|$)", "/") if new == "/" else (r"(/|$)", new.rstrip("/").replace("\\", r"\\") + r"\1")
    pattern = {"regex": f"^{re.escape(prefix)}{rest}"}
    return {"route": {**action["route"], "regex_rewrite": {"pattern": pattern, "substitution": kept}}}


def _new_prefix(item: Object) -> str | None:
    """What a URLRewrite puts in place of the prefix; None where it asks for something else."""
    rewrite = item["urlRewrite"]
    path = rewrite.get("path", {})
    return path.get("replacePrefixMatch") if set(rewrite) == {"path"} and path["type"] == "ReplacePrefixMatch" else None


def _weighted(references: Sequence[Object], namespace: str, backends: Backends) -> tuple[list[Object], list[Reason]]:
    """Clusters with their weights. A reference that is invalid keeps its share, which is answered with 500."""
    weighted, problems = [], []
    for reference in references:
        resolved = backends.resolve(reference, namespace)
        if isinstance(resolved, Reason):
            problems.append(resolved)
        weight = reference.get("weight", 1)
        if weight:
            name = INVALID_CLUSTER if isinstance(resolved, Reason) else resolved
            weighted.append({"name": name, "weight": weight})
    return weighted, problems


def _mirrors(filters: Sequence[Object], namespace: str, backends: Backends) -> tuple[list[Object], list[Reason]]:
    mirrors, problems = [], []
    for mirror in (item["requestMirror"] for item in filters if item["type"] == "RequestMirror"):
        resolved = backends.resolve(mirror["backendRef"], namespace)
        if isinstance(resolved, Reason):
            problems.append(resolved)
            continue
        share = {"default_value": {"numerator": _millionths(mirror), "denominator": "MILLION"}}
        policy = {"cluster": resolved, "runtime_fraction": share, "disable_shadow_host_suffix_append": True}
        mirrors.append(policy)
    return mirrors, problems


def _millionths(mirror: Object) -> int:
    if fraction := mirror.get("fraction"):
        return int(1_000_000 * fraction["numerator"] / fraction.get("denominator", 100))
    return int(mirror.get("percent", 100)) * 10_000


def _timeout(timeouts: Object) -> float:
    text = timeouts.get("request") or timeouts.get("backendRequest")
    return duration_seconds(text) if text else _DEFAULT_TIMEOUT_SECONDS


# -- matches --------------------------------------------------------------------------------------------------------


def _specificity(match: Object) -> tuple[object, ...]:
    """Exact path, longest prefix, method, most headers, most query parameters: smaller is more specific."""
    path = match.get("path", {})
    return (
        path.get("type") != "Exact",
        -len(path.get("value", "/")),
        "method" not in match,
        -len(match.get("headers", ())),
        -len(match.get("queryParams", ())),
    )


def _match(match: Object) -> Object:
    headers = _exact(match.get("headers", ()))
    if "method" in match:
        headers.append({"name": ":method", "string_match": {"exact": match["method"]}})
    found = _path(match.get("path", {}))
    if headers:
        found["headers"] = headers
    if parameters := _exact(match.get("queryParams", ())):
        found["query_parameters"] = parameters
    return found


def _path(path: Object) -> Object:
    value = path.get("value", "/")
    if path.get("type") == "Exact":
        return {"path": value}
    stripped = value.rstrip("/")
    return {"path_separated_prefix": stripped} if stripped else {"prefix": "/"}


def _exact(items: Sequence[Object]) -> list[Object]:
    return [{"name": item["name"], "string_match": {"exact": item["value"]}} for item in items]
