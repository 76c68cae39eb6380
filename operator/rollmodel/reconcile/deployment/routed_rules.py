"""What is owed to the route of somebody else when a ModelDeployment goes: the backends that its owner wrote."""

from __future__ import annotations

import logging

from pydantic import ValidationError

from rollmodel.api.modeldeployment import RoutedRule
from rollmodel.errors import Conflict, RollmodelError
from rollmodel.plan.decision import Ref
from rollmodel.plan.deployment.objects.traffic.routed_rule import restored
from rollmodel.plan.manifest import Manifest
from rollmodel.ports.kubernetes import Kube

__all__ = ["RuleKeeper"]

_log = logging.getLogger(__name__)

#: The Gateway's controller writes the route's status meanwhile.
_TRIES = 5


class RuleKeeper:
    """Gives rules back."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    def owes(self, body: Manifest) -> bool:
        """Whether a rule has backends of ours, or may soon have."""
        status, traffic = body.get("status", {}), body["spec"].get("traffic") or {}
        return "routedRule" in status or ("routeRef" in traffic and "candidate" in status)

    async def finalize(self, body: Manifest) -> None:
        """The object is being deleted. Never raises errors of ours."""
        held = body.get("status", {}).get("routedRule")
        if held is None:
            return
        meta = body["metadata"]
        try:
            await self._give_back(meta["namespace"], RoutedRule.model_validate(held))
        except (RollmodelError, ValidationError) as error:
            name = f"{meta['namespace']}/{meta['name']}"
            _log.warning("ModelDeployment %s: HTTPRoute keeps the backends of a rollout: %s", name, error)

    async def _give_back(self, namespace: str, rule: RoutedRule) -> None:
        ref = Ref("gateway.networking.k8s.io/v1", "HTTPRoute", namespace, rule.route)
        for last in (*[False] * (_TRIES - 1), True):
            route = await self._kube.get(ref)
            change = restored(rule, route) if route is not None else None
            if change is None:
                return
            try:
                await self._kube.set_backends(change)
            except Conflict:
                if last:
                    raise
            else:
                return
