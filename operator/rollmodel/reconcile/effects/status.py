"""The status of an object, written as a whole, and what the API server kept of it.

CRDs that are older than the operator know fewer fields: the API server drops those without a word. What it kept is then
remembered, so that the next pass does not write the same again for ever; the log says which fields are lost.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from rollmodel.plan.canonical import canonical_json
from rollmodel.plan.decision import Ref
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.naming import short_hash
from rollmodel.ports.kubernetes import Kube

__all__ = ["StatusWriter"]

_log = logging.getLogger(__name__)


class StatusWriter:
    """Writes statuses; of one that is stored as it was written nothing is held."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._kept: dict[str, str] = {}
        self._told: set[tuple[str, str]] = set()

    def is_there(self, body: Manifest, status: Mapping[str, Any]) -> bool:
        """Whether the object has this status, or what the API server keeps of it."""
        live: Mapping[str, Any] = body.get("status", {})
        kept = self._kept.get(body["metadata"]["uid"])
        return status == live or (kept is not None and kept == _fingerprint(status, live))

    async def write(self, body: Manifest, status: Mapping[str, Any]) -> Manifest:
        """The object as stored. Conflict: it changed since it was read."""
        ref, uid = Ref.of(body), body["metadata"]["uid"]
        stored = await self._kube.patch_status(ref, status, resource_version=body["metadata"]["resourceVersion"])
        live: Mapping[str, Any] = stored.get("status", {})
        self._kept.pop(uid, None)
        if live != status:
            self._kept[uid] = _fingerprint(status, live)
            self._notify(ref, sorted(set(_lost(status, live))))
        return stored

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._kept.pop(uid, None)

    def _notify(self, ref: Ref, lost: list[str]) -> None:
        new = [field for field in lost if (ref.kind, field) not in self._told]
        if new:
            self._told.update((ref.kind, field) for field in new)
            where = f"{ref.kind} {ref.namespace}/{ref.name}"
            _log.warning(
                "%s: the API server does not keep status.%s: apply the CRDs of this release", where, ", ".join(new)
            )


def _fingerprint(status: Mapping[str, Any], live: Mapping[str, Any]) -> str:
    return short_hash(canonical_json({"written": status, "live": live}))


def _lost(written: Any, live: Any, path: str = "") -> Iterator[str]:
    """Paths that are not as they were written; entries of a list count as one."""
    if isinstance(written, Mapping) and isinstance(live, Mapping):
        for key in written:
            yield from _lost(written[key], live.get(key), f"{path}.{key}" if path else key)
    elif isinstance(written, list) and isinstance(live, list) and len(written) == len(live):
        for one, other in zip(written, live, strict=True):
            yield from _lost(one, other, f"{path}[]")
    elif written != live:
        yield path
