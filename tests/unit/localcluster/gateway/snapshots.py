"""Short ways to write down the objects of a test."""

from collections.abc import Sequence
from typing import Any

from localcluster.gateway.snapshot import CONTROLLER, Snapshot


def meta(name: str, namespace: str | None = "ns", **more: Any) -> dict[str, Any]:
    where = {"namespace": namespace} if namespace else {}
    return {"name": name, **where, "uid": f"uid-{name}", "resourceVersion": "1", "generation": 1, **more}


CLASS = {"metadata": meta("local", None), "spec": {"controllerName": CONTROLLER}}
FOREIGN_CLASS = {"metadata": meta("other", None), "spec": {"controllerName": "example.com/other"}}


def listener(name: str = "http", **more: Any) -> dict[str, Any]:
    return {"name": name, "port": 80, "protocol": "HTTP", **more}


def gateway(*listeners: dict[str, Any], name: str = "public", class_name: str = "local") -> dict[str, Any]:
    return {
        "metadata": meta(name),
        "spec": {"gatewayClassName": class_name, "listeners": list(listeners) or [listener()]},
    }


def route(*rules: dict[str, Any], name: str = "route", namespace: str = "ns", **spec: Any) -> dict[str, Any]:
    created = spec.pop("created", "2026-01-01T00:00:00Z")
    parents = spec.pop("parentRefs", [{"name": "public"}])
    return {
        "metadata": meta(name, namespace, creationTimestamp=created),
        "spec": {"parentRefs": parents, "rules": list(rules), **spec},
    }


def backend(name: str, weight: int | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "port": 80, **({} if weight is None else {"weight": weight}), **more}


def service(name: str, /, **port: Any) -> dict[str, Any]:
    return {"metadata": meta(name), "spec": {"ports": [{"port": 80, **port}]}}


def endpoint_slice(name: str, /, *endpoints: dict[str, Any], **port: Any) -> dict[str, Any]:
    labels = {"kubernetes.io/service-name": name}
    return {
        "metadata": meta(f"{name}-abc", labels=labels),
        "ports": [{"name": "", "port": 8080, **port}],
        "endpoints": list(endpoints),
    }


def endpoint(address: str, **conditions: Any) -> dict[str, Any]:
    return {"addresses": [address], "conditions": conditions}


def snapshot(*routes: dict[str, Any], services: Sequence[str | dict[str, Any]] = ("a", "b"), **more: Any) -> Snapshot:
    found = [one if isinstance(one, dict) else service(one) for one in services]
    fields: dict[str, Any] = {"classes": [CLASS], "gateways": [gateway()], "services": found}
    return Snapshot(**{**fields, "routes": list(routes), **more})
