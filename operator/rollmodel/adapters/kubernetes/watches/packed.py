"""Objects that are kept for long and looked at rarely: packed to a few hundred bytes; a parsed one takes 20 KB.

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

#: As much of an example as zlib looks back, and as many examples as a byte can name.
_EXAMPLE_BYTES, _MOST_EXAMPLES = 2**15, 256

Key = TypeVar("Key", bound=Hashable)


class PackedObjects(Generic[Key]):
    """Objects by address or UID. Who gets one must not change it."""

    def __init__(self, unpacked: int = UNPACKED) -> None:
        self._most = unpacked
        self._packer = _Packer()
        self._packed: dict[Key, bytes] = {}
        self._unpacked: OrderedDict[Key, dict[str, Any]] = OrderedDict()

    def __getitem__(self, key: Key) -> dict[str, Any]:
        """The object. KeyError where there is none."""
        obj = self._unpacked.get(key)
        if obj is None:
            obj = self._packer.unpack(self._packed[key])
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
            self._packed[key] = self._packer.pack(obj)
        return len(self._packed[key])

    def _keep(self, key: Key, obj: dict[str, Any]) -> None:
        """As it is, and as the last one that is packed."""
        self._unpacked[key] = obj
        self._unpacked.move_to_end(key)
        while len(self._unpacked) > self._most:
            self.pack(next(iter(self._unpacked)))


class _Packer:
    """Packs an object as what tells it from the first one of its kind: ours are alike but for names and numbers."""

    def __init__(self) -> None:
        self._examples: list[bytes] = [b""]
        self._places: dict[str, int] = {}

    def pack(self, obj: Manifest) -> bytes:
        """One byte that says which example it rests on, then what zlib makes of it."""
        text = json.dumps(obj, separators=(",", ":")).encode()
        place = self._place(str(obj.get("kind")), text)
        packing = zlib.compressobj(zdict=self._examples[place])
        return bytes((place,)) + packing.compress(text) + packing.flush()

    def unpack(self, packed: bytes) -> dict[str, Any]:
        """The object again."""
        unpacking = zlib.decompressobj(zdict=self._examples[packed[0]])
        obj: dict[str, Any] = json.loads(unpacking.decompress(packed[1:]) + unpacking.flush())
        return obj

    def _place(self, kind: str, text: bytes) -> int:
        """Where the example of a kind is; this text, where there is none yet. Of too many kinds there are none."""
        if kind not in self._places and len(self._examples) < _MOST_EXAMPLES:
            self._places[kind] = len(self._examples)
            self._examples.append(text[-_EXAMPLE_BYTES:])
        return self._places.get(kind, 0)
