"""Our kinds on a real API server: requests about them, and specs to begin with."""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from kubernetes.client import ApiException, CustomObjectsApi
from rollmodel.api.base import GROUP, VERSION
from rollmodel.api.crd import KINDS

__all__ = ["SMALLEST", "Api", "Refused", "spec_of"]

SMALLEST: Mapping[str, dict[str, Any]] = {
    "ModelDeployment": {"model": {"registry": {"name": "churn", "alias": "challenger"}}},
    "TrainingJob": {"template": {"image": "registry.example.com/churn:1"}},
    "DriftPolicy": {"modelDeploymentRef": {"name": "churn"}},
}

_PLURALS = {kind.kind: kind.plural for kind in KINDS}


class Refused(Exception):
    """The API server's no: its message, and the causes as (field, message)."""

    def __init__(self, status: Mapping[str, Any]) -> None:
        super().__init__(status["message"])
        self.code = status.get("code")
        causes = status.get("details", {}).get("causes", [])
        self.causes = [(cause.get("field", ""), cause["message"]) for cause in causes]


@dataclass
class Api:
    """Requests about our kinds in one namespace."""

    objects: CustomObjectsApi
    namespace: str

    def create(
        self,
        kind: str,
        spec: dict[str, Any],
        name: str = "churn",
        metadata: Mapping[str, Any] | None = None,
        **options: str,
    ) -> dict[str, Any]:
        """Create an object. Raises Refused."""
        meta = {"name": name, **(metadata or {})}
        manifest = {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, "metadata": meta, "spec": spec}
        return self._request("create_namespaced", kind, manifest, **options)

    def try_out(
        self, kind: str, spec: dict[str, Any], name: str = "churn", metadata: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Create without storing and with unknown fields refused, as ``kubectl apply --dry-run=server`` does."""
        return self.create(kind, spec, name, metadata, dry_run="All", field_validation="Strict")

    def find(self, kind: str, name: str = "churn") -> dict[str, Any]:
        """An object; empty where there is none."""
        try:
            return self._request("get_namespaced", kind, name)
        except Refused as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise
            return {}

    def patch(self, kind: str, patch: dict[str, Any], name: str = "churn") -> dict[str, Any]:
        """Merge into an object. Raises Refused."""
        return self._request("patch_namespaced", kind, name, patch)

    def patch_status(self, kind: str, status: dict[str, Any], name: str = "churn") -> dict[str, Any]:
        """Merge into the status of an object. Raises Refused."""
        return self._request("patch_namespaced", kind, name, {"status": status}, subresource="_status")

    def scale(self, kind: str, name: str = "churn") -> dict[str, Any]:
        """The scale subresource."""
        return self._request("get_namespaced", kind, name, subresource="_scale")

    def _request(self, verb: str, kind: str, *arguments: Any, subresource: str = "", **options: str) -> dict[str, Any]:
        method = getattr(self.objects, f"{verb}_custom_object{subresource}")
        try:
            answer: dict[str, Any] = method(GROUP, VERSION, self.namespace, _PLURALS[kind], *arguments, **options)
        except ApiException as error:
            raise Refused(json.loads(error.body or "{}")) from None
        return answer


def spec_of(kind: str, change: Any = None) -> dict[str, Any]:
    """The smallest valid spec with a change merged into it (RFC 7396: None removes)."""
    spec: dict[str, Any] = _merged(deepcopy(SMALLEST[kind]), change or {})
    return spec


def _merged(base: Any, change: Any) -> Any:
    if not isinstance(change, dict):
        return change
    known = base if isinstance(base, dict) else {}
    both = {**known, **{key: _merged(known.get(key), value) for key, value in change.items()}}
    return {key: value for key, value in both.items() if value is not None}
