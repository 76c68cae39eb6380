"""What the people who look after a cluster lay upon a namespace: quotas, limits, a policy about labels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from localcluster import Cluster, LocalClusterError

__all__ = ["TEAM", "limits", "quota", "refuses_services", "team_label"]

#: What people write about their objects in a namespace with :func:`team_label`.
TEAM = {"team": "churn"}

_ADMISSION = "admissionregistration.k8s.io/v1"


def quota(cluster: Cluster, namespace: str, *, pods: int) -> None:
    """At most so many pods, each with limits."""
    hard = {"pods": str(pods), "limits.cpu": "8", "limits.memory": "16Gi"}
    _apply(cluster, namespace, _object("v1", "ResourceQuota", "tight", {"hard": hard}))


def limits(cluster: Cluster, namespace: str, *, memory: str) -> None:
    """A container may have so much memory at most, which is also what it gets if it does not say."""
    container = {"type": "Container", "max": {"memory": memory}}
    _apply(cluster, namespace, _object("v1", "LimitRange", "small", {"limits": [container]}))


@contextmanager
def team_label(cluster: Cluster, namespace: str) -> Iterator[None]:
    """Nothing that runs or serves is let in without the label ``team``."""
    name = f"team-label-{namespace}"
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    named = "has(object.metadata.labels) && 'team' in object.metadata.labels"
    policy = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                _rule("apps", "v1", "deployments", "controllerrevisions"),
                _rule("batch", "v1", "jobs"),
                _rule("gateway.networking.k8s.io", "v1", "httproutes"),
                _rule("", "v1", "services", "pods"),
            ]
        },
        "validations": [{"expression": named, "message": "every object names its team"}],
    }
    binding = {"policyName": name, "validationActions": ["Deny"], "matchResources": here}
    manifests = [
        _object(_ADMISSION, "ValidatingAdmissionPolicy", name, policy),
        _object(_ADMISSION, "ValidatingAdmissionPolicyBinding", name, binding),
    ]
    _apply(cluster, namespace, *manifests)
    try:
        yield
    finally:
        for manifest in manifests:
            cluster.kubectl("delete", manifest["kind"], name)


def refuses_services(cluster: Cluster, namespace: str) -> bool:
    """Whether the policy already works: that takes a moment."""
    service = _object("v1", "Service", "tried", {"ports": [{"port": 80}]})
    arguments = ("create", "--dry-run=server", "-n", namespace, "-f", "-")
    try:
        cluster.kubectl(*arguments, stdin=json.dumps(service))
    except LocalClusterError as error:
        return "names its team" in str(error)
    return False


def _rule(group: str, version: str, *resources: str) -> dict[str, Any]:
    operations = ["CREATE", "UPDATE"]
    return {"apiGroups": [group], "apiVersions": [version], "resources": [*resources], "operations": operations}


def _object(api_version: str, kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _apply(cluster: Cluster, namespace: str, *manifests: dict[str, Any]) -> None:
    items = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(items))
