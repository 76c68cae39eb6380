"""What pods read as they start, ConfigMaps and Secrets; asked while some start, at most every ten seconds.

Of a Secret only its resourceVersion is asked for, in a form of answer that holds no content. Most Secrets an operator
may not read: whoever is refused asks for it again after an hour only, since audits count refusals.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rollmodel.errors import Forbidden, RollmodelError
from rollmodel.plan.decision import Ref
from rollmodel.plan.deployment.objects.configuration import config_maps_of, content_of, secrets_of
from rollmodel.plan.manifest import Manifest
from rollmodel.ports.kubernetes import Kube
from rollmodel.ports.process import Clock

__all__ = ["Configuration", "Seen"]

_FRESH_SECONDS = 10.0
_REFUSED_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Seen:
    """By name: a hash of the content of ConfigMaps, and the resourceVersion of Secrets."""

    config_maps: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Reading:
    names: tuple[frozenset[str], frozenset[str]]
    at: float
    seen: Seen


class Configuration:
    """By the UID of who asks. What is missing or may not be read says nothing: its pods do."""

    def __init__(self, kube: Kube, clock: Clock, *, read_secrets: bool = True) -> None:
        self._kube, self._clock, self._read_secrets = kube, clock, read_secrets
        self._readings: dict[str, _Reading] = {}
        self._refused: dict[tuple[str, str], float] = {}

    async def read(self, uid: str, namespace: str, starting: Sequence[Manifest]) -> Seen:
        """What these Deployments read, whose pods start."""
        maps = frozenset(name for deployment in starting for name in config_maps_of(deployment))
        secrets = frozenset(name for deployment in starting for name in secrets_of(deployment) if self._read_secrets)
        if not maps and not secrets:
            self._readings.pop(uid, None)
            return Seen()
        now = self._clock.now().timestamp()
        before = self._readings.get(uid)
        if before is not None and before.names == (maps, secrets) and 0 <= now - before.at < _FRESH_SECONDS:
            return before.seen
        self._refused = {key: until for key, until in self._refused.items() if until > now}
        allowed = [name for name in secrets if (namespace, name) not in self._refused]
        seen = Seen(
            await _all(namespace, maps, self._content),
            await _all(namespace, allowed, self._version),
        )
        self._readings[uid] = _Reading((maps, secrets), now, seen)
        return seen

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._readings.pop(uid, None)

    async def _content(self, namespace: str, name: str) -> str | None:
        try:
            found = await self._kube.get(Ref("v1", "ConfigMap", namespace, name))
        except RollmodelError:
            return None
        return None if found is None else content_of(found)

    async def _version(self, namespace: str, name: str) -> str | None:
        try:
            return await self._kube.secret_version(namespace, name)
        except Forbidden:
            self._refused[namespace, name] = self._clock.now().timestamp() + _REFUSED_SECONDS
        except RollmodelError:
            pass
        return None


async def _all(
    namespace: str, names: Iterable[str], ask: Callable[[str, str], Awaitable[str | None]]
) -> Mapping[str, str]:
    ordered = sorted(names)
    found = await asyncio.gather(*(ask(namespace, name) for name in ordered))
    return {name: one for name, one in zip(ordered, found, strict=True) if one is not None}
