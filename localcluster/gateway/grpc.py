"""A GRPCRoute as the HTTPRoute that does the same: a method is the path of an HTTP/2 request. Pure.

Rules: https://gateway-api.sigs.k8s.io/reference/spec/ (GRPCRouteMatch, GRPCMethodMatch).
"""

from __future__ import annotations

from localcluster.kubeapi import Object

__all__ = ["as_http"]


def as_http(route: Object) -> Object:
    """The same object with rules of an HTTPRoute. What they cannot say becomes a regular expression: it is refused."""
    rules = [{**rule, "matches": [_match(one) for one in rule.get("matches") or [{}]]} for rule in _rules(route)]
    return {**route, "kind": "GRPCRoute", "spec": {**route["spec"], "rules": rules}}


def _rules(route: Object) -> list[Object]:
    rules: list[Object] = route["spec"].get("rules") or [{}]
    return rules


def _match(match: Object) -> Object:
    headers = {"headers": match["headers"]} if match.get("headers") else {}
    method = match.get("method", {})
    return {"path": _path(method), **headers} if method else headers


def _path(method: Object) -> Object:
    service, name = method.get("service"), method.get("method")
    if method.get("type", "Exact") != "Exact" or not service:
        return {"type": "RegularExpression", "value": ""}
    return {"type": "Exact", "value": f"/{service}/{name}"} if name else {"type": "PathPrefix", "value": f"/{service}"}
