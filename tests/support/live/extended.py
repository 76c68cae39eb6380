"""A kind of others that is served, and a right that the operator has beyond its role, while a test needs them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import yaml

from localcluster import Cluster
from tests.support.eventually import PATIENCE_SECONDS

__all__ = ["kind_served", "right_granted"]

_GROUP = "rbac.authorization.k8s.io"


@contextmanager
def right_granted(cluster: Cluster, user: str, name: str, rule: Mapping[str, Any]) -> Iterator[None]:
    """``user`` has the right everywhere, as the chart grants it with a switch; ``name``: of role and binding."""
    named = {"apiVersion": f"{_GROUP}/v1", "metadata": {"name": name}}
    role = {"apiGroup": _GROUP, "kind": "ClusterRole", "name": name}
    subject = {"apiGroup": _GROUP, "kind": "User", "name": user}
    items = [
        {**named, "kind": "ClusterRole", "rules": [rule]},
        {**named, "kind": "ClusterRoleBinding", "roleRef": role, "subjects": [subject]},
    ]
    rights = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    cluster.kubectl("apply", "-f", "-", stdin=rights)
    yield
    cluster.kubectl("delete", "-f", "-", stdin=rights)


@contextmanager
def kind_served(cluster: Cluster, definition: str) -> Iterator[None]:
    """The API server has established the kind of this CustomResourceDefinition, which is YAML or JSON."""
    crd = f"crd/{yaml.safe_load(definition)['metadata']['name']}"
    cluster.kubectl("apply", "--server-side", "-f", "-", stdin=definition)
    cluster.kubectl("wait", "--for=condition=Established", f"--timeout={PATIENCE_SECONDS:.0f}s", crd)
    yield
    cluster.kubectl("delete", crd, "--wait=false")
