"""Objects that are kept for long and looked at rarely: packed to about 1 KB, where a parsed one takes twenty times it.

Those that came or were looked at last are kept as they are, too: a pass looks at the same children several times.
"""

from __future__ import annotations

import json
import zlib
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, Generic, TypeVar

from rollmodel.plan.manifest import Manifest

__all__ = ["UNPACKED", "PackedObjects"]

#: So many objects are kept as they are: those of the passes of this moment. To pack one, or to unpack it, takes 30 µs.
UNPACKED = 64

Key = TypeVar("Key", bound=Hashable)


class PackedObjects(Generic[Key]):
    """Objects by address or UID. Who gets one must not change it."""

    def __init__(self, unpacked: int = UNPACKED) -> None:
        self._most = unpacked
        self._packed: dict[Key, bytes] = {}
        self._unpacked: OrderedDict[Key, dict[str, Any]] = OrderedDict()

    def __getitem__(self, key: Key) -> dict[str, Any]:
        """The object. KeyError where there is none."""
        obj = self._unpacked.get(key)
        if obj is None:
            obj = _unpack(self._packed[key])
        self._keep(key, obj)
        return obj

    def __setitem__(self, key: Key, obj: dict[str, Any]) -> None:
        self._packed.pop(key, None)
        self._keep(key, obj)

    def __delitem__(self, key: Key) -> None:
        self._packed.pop(key, None)
        self._unpacked.pop(key, None)

    def pack(self, key: Key) -> int:
        """Keep this one packed only; its size in bytes."""
        obj = self._unpacked.pop(key, None)
        if key not in self._packed and obj is not None:
            self._packed[key] = _pack(obj)
        return len(self._packed[key])

    def _keep(self, key: Key, obj: dict[str, Any]) -> None:
        """As it is, and as the last one that is packed."""
        self._unpacked[key] = obj
        self._unpacked.move_to_end(key)
        while len(self._unpacked) > self._most:
            self.pack(next(iter(self._unpacked)))


def _pack(obj: Manifest) -> bytes:
    return zlib.compress(json.dumps(obj, separators=(",", ":")).encode())


def _unpack(packed: bytes) -> dict[str, Any]:
    obj: dict[str, Any] = json.loads(zlib.decompress(packed))
    return obj
