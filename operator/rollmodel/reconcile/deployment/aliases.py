"""Who moves which champion alias: of two that move the same one, each promotion overwrites the other's.

As with addresses each pass claims, in memory, and nothing is asked for it. The younger object is told. Both go on:
whose alias it is only people know.
"""

from __future__ import annotations

from collections.abc import Callable

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.plan.manifest import Manifest

__all__ = ["ChampionAliases"]

#: Registry (the namespace and Secret of a connection, or empty for the operator's own), model, alias.
_Key = tuple[str, str, str]
_Claim = tuple[str, str]


class ChampionAliases:
    """The claims of all objects by their UID: age and name. ``wake(uid)`` tells an object to look again."""

    def __init__(self, wake: Callable[[str], None]) -> None:
        self._wake = wake
        self._keys: dict[str, _Key] = {}
        self._claims: dict[_Key, dict[str, _Claim]] = {}

    def claim(self, body: Manifest, spec: ModelDeploymentSpec) -> str | None:
        """Note the alias that an object moves; the namespace and name of an older one that moves it too."""
        meta, key = body["metadata"], _key(body, spec)
        uid, claim = meta["uid"], (str(meta.get("creationTimestamp") or ""), f"{meta['namespace']}/{meta['name']}")
        if key != self._keys.get(uid):
            self.forget(uid)
            if key is not None:
                self._keys[uid] = key
                self._claims.setdefault(key, {})[uid] = claim
                self._notify(key, uid)
        older = min(self._claims[key].values()) if key is not None else claim
        return older[1] if older < claim else None

    def forget(self, uid: str) -> None:
        """It moves no alias any more."""
        key = self._keys.pop(uid, None)
        if key is None:
            return
        self._claims[key].pop(uid)
        self._notify(key, uid)
        if not self._claims[key]:
            del self._claims[key]

    def _notify(self, key: _Key, uid: str) -> None:
        for other in self._claims[key].keys() - {uid}:
            self._wake(other)


def _key(body: Manifest, spec: ModelDeploymentSpec) -> _Key | None:
    registry, connection = spec.model.registry, spec.model.connection_ref
    if registry is None or registry.champion_alias is None:
        return None
    where = f"{body['metadata']['namespace']}/{connection.name}" if connection is not None else ""
    return where, registry.name, registry.champion_alias
