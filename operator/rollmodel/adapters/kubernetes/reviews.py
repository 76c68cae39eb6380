"""Who somebody is and what they may, asked of the API server: TokenReview and SubjectAccessReview.

https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/
https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/subject-access-review-v1/
"""

from __future__ import annotations

from typing import Any

from rollmodel.adapters.kubernetes.apiserver import ApiServer

__all__ = ["Reviews"]

_AUTHENTICATION, _AUTHORIZATION = "authentication.k8s.io/v1", "authorization.k8s.io/v1"


class Reviews:
    """Questions about others. Each is a request to the API server; raises errors of :mod:`rollmodel.errors`."""

    def __init__(self, api: ApiServer) -> None:
        self._api = api

    async def user(self, token: str) -> dict[str, Any] | None:
        """Whose bearer token this is, as a UserInfo; None where it is nobody's."""
        status = await self._ask(_AUTHENTICATION, "TokenReview", {"token": token})
        return (status.get("user") or {}) if status.get("authenticated") is True else None

    async def may_get(self, user: dict[str, Any], path: str) -> bool:
        """Whether the user may ``get`` this path, by a rule with ``nonResourceURLs``."""
        known = {key: user[key] for key in ("uid", "groups", "extra") if user.get(key)}
        asked = {"user": user.get("username", ""), **known, "nonResourceAttributes": {"path": path, "verb": "get"}}
        status = await self._ask(_AUTHORIZATION, "SubjectAccessReview", asked)
        return status.get("allowed") is True

    async def _ask(self, api_version: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
        body = {"apiVersion": api_version, "kind": kind, "spec": spec}
        answer = await self._api.request("POST", f"/apis/{api_version}/{kind.lower()}s", body=body)
        status: dict[str, Any] = answer.get("status") or {}
        return status
