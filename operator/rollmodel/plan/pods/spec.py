"""What all pods that we write have in common: Pod Security "restricted", and how they reach the registry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from rollmodel.api.base import GROUP, VERSION
from rollmodel.api.fields.schemes import IMAGE
from rollmodel.api.pods import PodSettings
from rollmodel.plan.diff import quantity

__all__ = [
    "IN_MLFLOW",
    "POD_SECURITY",
    "RESTRICTED",
    "claim_of",
    "connection",
    "fetch_environment",
    "fetch_resources",
    "image_of",
    "literal",
    "owner_reference",
    "placement",
    "pull_secrets",
    "store_environment",
]

#: The security context of a pod (https://kubernetes.io/docs/concepts/security/pod-security-standards/).
POD_SECURITY: Mapping[str, Any] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}

#: The security context of a container.
RESTRICTED: Mapping[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}

_FETCH_REQUESTS: Mapping[str, str] = {"cpu": "100m", "memory": "256Mi"}
_FETCH_MEMORY = "1Gi"
_LEAST_FETCH_MEMORY = "512Mi"

#: How addresses begin that lie in the MLflow of a connection.
IN_MLFLOW = ("models:/", "runs:/", "mlflow-artifacts:/")

_CONNECTION_KEYS = {
    "MLFLOW_TRACKING_URI": "url",
    "MLFLOW_TRACKING_USERNAME": "username",
    "MLFLOW_TRACKING_PASSWORD": "password",
    "MLFLOW_TRACKING_TOKEN": "token",
    "ROLLMODEL_MLFLOW_CA": "ca",
    "MLFLOW_WORKSPACE": "workspace",
}

#: How to log in to S3, where MLflow leaves the files there and does not serve them itself.
_S3_KEYS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_ENDPOINT_URL_S3",
)
#: Other names by which boto3 knows the same, for Secrets of stores.
_STORE_KEYS = (*_S3_KEYS, "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "MLFLOW_S3_ENDPOINT_URL")
_WEB_KEYS = ("HTTPS_USERNAME", "HTTPS_PASSWORD", "HTTPS_TOKEN")


def placement(asked: PodSettings) -> dict[str, Any]:
    """Where pods may run and on whose behalf, as far as the spec says so."""
    fields = {
        "serviceAccountName": asked.service_account_name,
        **pull_secrets(asked),
        "nodeSelector": dict(asked.node_selector or {}),
        "tolerations": [toleration.to_wire() for toleration in asked.tolerations or ()],
        "priorityClassName": asked.priority_class_name,
        "runtimeClassName": asked.runtime_class_name,
    }
    return {key: value for key, value in fields.items() if value}


def pull_secrets(asked: PodSettings) -> dict[str, Any]:
    """The Secrets for the image registry, as far as the spec names some."""
    named = [{"name": secret.name} for secret in asked.image_pull_secrets or ()]
    return {"imagePullSecrets": named} if named else {}


def fetch_resources(limits: Mapping[str, str] | None) -> dict[str, Any]:
    """What fetching files takes, beside a main container with these limits.

    Where that one has a limit on CPU this one has the same, since a quota asks it of all containers; its memory is
    limited by that of the main container, down to 512Mi, since a LimitRange holds for all. A pod counts the larger of
    the two, so this asks for no more than the main container does.
    """
    main = limits or {}
    limit: dict[str, Any] = {"memory": _FETCH_MEMORY}
    memory, requests = main.get("memory"), dict(_FETCH_REQUESTS)
    if memory is not None and _less(memory, _FETCH_MEMORY):
        limit["memory"] = _LEAST_FETCH_MEMORY if _less(memory, _LEAST_FETCH_MEMORY) else memory
    if (cpu := main.get("cpu")) is not None:
        limit = {"cpu": cpu, **limit}
        requests["cpu"] = cpu if _less(cpu, requests["cpu"]) else requests["cpu"]
    return {"requests": requests, "limits": limit}


def _less(one: str, other: str) -> bool:
    return (quantity(one) or Decimal(0)) < (quantity(other) or Decimal(0))


def connection(
    secret: str | None, registry_url: str | None, ca: str | None = None, workspace: str | None = None
) -> list[dict[str, Any]]:
    """How a container logs in: only what the namespace's own Secret holds, else the bare default address.

    ``ca`` are the certificates (PEM) of a private authority of the default registry, ``workspace`` is the one there.
    """
    if secret:
        return [
            _from_secret(secret, variable, key, optional=key != "url") for variable, key in _CONNECTION_KEYS.items()
        ]
    if not registry_url:
        return []
    values = {"MLFLOW_TRACKING_URI": registry_url, "ROLLMODEL_MLFLOW_CA": ca, "MLFLOW_WORKSPACE": workspace}
    return [{"name": name, "value": value} for name, value in values.items() if value]


def fetch_environment(
    uri: str, secret: str | None, registry_url: str | None, ca: str | None = None, workspace: str | None = None
) -> dict[str, list[dict[str, Any]]]:
    """``env`` of a container that fetches ``uri``, whose login is in ``secret``.

    Only known keys are handed on: others, such as ``HTTPS_PROXY`` or ``PYTHONPATH``, would act on what fetches.
    """
    if not uri.startswith(IN_MLFLOW):
        return store_environment(uri, secret) if secret else {}
    variables = connection(secret, registry_url, ca, workspace)
    if secret:
        variables += [_from_secret(secret, key, key, optional=True) for key in _S3_KEYS]
    return {"env": variables} if variables else {}


def store_environment(uri: str, secret: str) -> dict[str, list[dict[str, Any]]]:
    """``env`` of a container whose login for ``uri`` is in a Secret, by keys that are called as the variables are."""
    known: tuple[str, ...] = _WEB_KEYS if uri.startswith("https://") else _STORE_KEYS
    if uri.startswith(IN_MLFLOW):
        known = (*_CONNECTION_KEYS, *_STORE_KEYS)
    return {"env": [_from_secret(secret, key, key, optional=True) for key in known]}


def _from_secret(secret: str, variable: str, key: str, *, optional: bool) -> dict[str, Any]:
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key, "optional": optional}}}


def claim_of(uri: str) -> tuple[str, str] | None:
    """Claim and path within it of ``pvc://claim/path``; None for any other address."""
    if not uri.startswith("pvc://"):
        return None
    claim, _, path = uri.removeprefix("pvc://").partition("/")
    return claim, unquote(path).strip("/")


def image_of(uri: str) -> tuple[str, str] | None:
    """Reference and path within it of ``oci://image@digest/path``; None for any other address, and without digest."""
    found = re.fullmatch(IMAGE, uri)
    return (found["reference"], found["path"].strip("/")) if found else None


def owner_reference(kind: str, name: str, uid: str) -> dict[str, Any]:
    """Says who controls a child; garbage collection follows it.

    Without ``blockOwnerDeletion``: that needs the right to change our kinds' finalizers where the API server checks
    it (OwnerReferencesPermissionEnforcement, on in OpenShift), and all it gives is an owner that waits, in a deletion
    in the foreground, until its children are gone.
    """
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": kind,
        "name": name,
        "uid": uid,
        "controller": True,
    }


def literal(text: str) -> str:
    """Text that stays as it is, though Kubernetes would put another variable, maybe a secret, for ``$(NAME)``."""
    return text.replace("$", "$$")
