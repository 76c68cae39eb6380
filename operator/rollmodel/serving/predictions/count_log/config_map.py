"""Write the counts into a ConfigMap of the own namespace, with the pod's own token, which may write that one object."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path

import requests

from rollmodel.errors import Forbidden, Invalid, NotFound, Unavailable
from rollmodel.serving.predictions.count_log.counts_file import ENDING

__all__ = ["write_config_map"]

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_SECONDS = (5.0, 30.0)


def write_config_map(
    name: str, files: Mapping[str, bytes], *, account: Path = _ACCOUNT, env: Mapping[str, str] = os.environ
) -> None:
    """Replace what is in the ConfigMap. It must be there: to make one is a right that no name bounds.

    Raises Invalid outside a cluster, Forbidden, NotFound, Unavailable.
    """
    try:
        token = (account / "token").read_text(encoding="utf-8").strip()
        namespace = (account / "namespace").read_text(encoding="utf-8").strip()
        host, port = env["KUBERNETES_SERVICE_HOST"], env["KUBERNETES_SERVICE_PORT"]
    except (OSError, KeyError) as error:
        message = "--out configmap/NAME is for pods with a service account token; else name a file"
        raise Invalid(message, reason="NotInCluster") from error
    address = f"https://{f'[{host}]' if ':' in host else host}:{port}/api/v1/namespaces/{namespace}/configmaps/{name}"
    data = {f"{revision}{ENDING}": base64.b64encode(content).decode() for revision, content in files.items()}
    # the whole map: revisions of before go
    patch = [{"op": "add", "path": "/binaryData", "value": data}]
    try:
        answer = requests.patch(
            address,
            json=patch,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json-patch+json"},
            verify=str(account / "ca.crt"),
            timeout=_SECONDS,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        raise Unavailable(f"the API server does not answer ({type(error).__name__})", reason="Unreachable") from error
    if answer.status_code == 404:
        raise NotFound(f"there is no ConfigMap {name!r} in {namespace}: create an empty one", reason="NoConfigMap")
    if answer.status_code in {401, 403}:
        raise Forbidden(f"this service account may not patch the ConfigMap {name!r}", reason="Unauthorized")
    if not answer.ok:
        raise Unavailable(f"the API server answered {answer.status_code}", reason="Unreachable")
