"""What the ConfigMaps hold that pods read as they start; asked while some start, at most every ten seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from rollmodel.errors import RollmodelError
from rollmodel.plan.decision import Ref
from rollmodel.plan.deployment.objects.config_maps import config_maps_of, content_of
from rollmodel.ports import Clock, Kube, Manifest

__all__ = ["ConfigMaps"]

_FRESH_SECONDS = 10.0


class ConfigMaps:
    """By the UID of who asks. A ConfigMap that is missing or may not be read says nothing: its pods do."""

    def __init__(self, kube: Kube, clock: Clock) -> None:
        self._kube, self._clock = kube, clock
        self._looks: dict[str, tuple[frozenset[str], float, Mapping[str, str]]] = {}

    async def read(self, uid: str, namespace: str, starting: Sequence[Manifest]) -> Mapping[str, str]:
        """Name -> hash of the content, for these Deployments whose pods start."""
        names = frozenset(name for deployment in starting for name in config_maps_of(deployment))
        if not names:
            self._looks.pop(uid, None)
            return {}
        now = self._clock.now().timestamp()
        before = self._looks.get(uid)
        if before is not None and before[0] == names and 0 <= now - before[1] < _FRESH_SECONDS:
            return before[2]
        found = await asyncio.gather(*(self._hash(namespace, name) for name in sorted(names)))
        hashes = {name: one for name, one in zip(sorted(names), found, strict=True) if one is not None}
        self._looks[uid] = names, now, hashes
        return hashes

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._looks.pop(uid, None)

    async def _hash(self, namespace: str, name: str) -> str | None:
        try:
            found = await self._kube.get(Ref("v1", "ConfigMap", namespace, name))
        except RollmodelError:
            return None
        return None if found is None else content_of(found)
