"""What `helm test` runs: the operator takes up a ModelDeployment without pods, and lets it go when it is deleted."""

import os
import sys
import time
from typing import Any

from kubernetes import client, config

PATIENCE_SECONDS = float(os.environ["PATIENCE_SECONDS"])
NAME, NAMESPACE = os.environ["NAME"], os.environ["NAMESPACE"]
KIND = ("rollmodel.dev", "v1alpha1", NAMESPACE, "modeldeployments")
SPEC = {
    "model": {"uri": "https://models.invalid/none", "digest": f"sha256:{'0' * 64}"},
    "scale": {"replicas": 0},
}

config.load_config()
api = client.CustomObjectsApi()


def found() -> dict[str, Any] | None:
    """The object, or None."""
    try:
        answer: dict[str, Any] = api.get_namespaced_custom_object(*KIND, NAME)
    except client.ApiException as error:
        if error.status != 404:
            raise
        return None
    return answer


def until(what: str, condition: Any) -> None:
    """Wait until a condition holds for the object; end with a message if it does not in time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition(seen := found()):
        if time.monotonic() > deadline:
            status = (seen or {}).get("status")
            sys.exit(f"{what}: not within {PATIENCE_SECONDS:g} s. Look at the operator's log. Status: {status}")
        time.sleep(0.5)
    sys.stdout.write(f"{what}: yes\n")


def taken_up(seen: dict[str, Any] | None) -> bool:
    """Whether the operator has written what it knows of this generation."""
    conditions = (seen or {}).get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["observedGeneration"] == 1 for one in conditions)


until("nothing is left of an earlier test", lambda seen: seen is None)
metadata = {"name": NAME, "labels": {"app.kubernetes.io/managed-by": "helm-test"}}
body = {"apiVersion": "rollmodel.dev/v1alpha1", "kind": "ModelDeployment", "metadata": metadata, "spec": SPEC}
api.create_namespaced_custom_object(*KIND, body)
try:
    until(f"the operator takes up ModelDeployment {NAMESPACE}/{NAME}", taken_up)
finally:
    api.delete_namespaced_custom_object(*KIND, NAME)
until("the operator lets it go", lambda seen: seen is None)
