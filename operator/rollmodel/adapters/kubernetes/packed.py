"""Objects that are kept for long and looked at rarely: packed to about 1 KB, where a parsed one takes ten times that.

Those that came or were looked at last are kept as they are, too: while something happens to an object, each pass over
it looks at its children several times, and each of them changes a few times before it is at rest.
"""

from __future__ import annotations

import json
import zlib
from collections import OrderedDict
from typing import Any

from rollmodel.plan.decision import Ref
from rollmodel.ports import Manifest

__all__ = ["UNPACKED", "PackedObjects"]

#: So many objects are kept as they are.
UNPACKED = 512


class PackedObjects:
    """Objects by address. Who gets one must not change it."""

    def __init__(self, unpacked: int = UNPACKED) -> None:
        self._most = unpacked
        self._packed: dict[Ref, bytes] = {}
        self._unpacked: OrderedDict[Ref, dict[str, Any]] = OrderedDict()

    def __getitem__(self, ref: Ref) -> dict[str, Any]:
        """The object. KeyError where there is none."""
        obj = self._unpacked.get(ref)
        if obj is None:
            obj = _unpack(self._packed[ref])
        self._keep(ref, obj)
        return obj

    def __setitem__(self, ref: Ref, obj: dict[str, Any]) -> None:
        self._packed.pop(ref, None)
        self._keep(ref, obj)

    def __delitem__(self, ref: Ref) -> None:
        self._packed.pop(ref, None)
        self._unpacked.pop(ref, None)

    def pack(self, ref: Ref) -> int:
        """Keep this one packed only; its size in bytes."""
        obj = self._unpacked.pop(ref, None)
        if ref not in self._packed and obj is not None:
            self._packed[ref] = _pack(obj)
        return len(self._packed[ref])

    def _keep(self, ref: Ref, obj: dict[str, Any]) -> None:
        """As it is, and as the last one that is packed."""
        self._unpacked[ref] = obj
        self._unpacked.move_to_end(ref)
        while len(self._unpacked) > self._most:
            self.pack(next(iter(self._unpacked)))


def _pack(obj: Manifest) -> bytes:
    return zlib.compress(json.dumps(obj, separators=(",", ":")).encode())


def _unpack(packed: bytes) -> dict[str, Any]:
    obj: dict[str, Any] = json.loads(zlib.decompress(packed))
    return obj
