"""Pod addresses."""

from __future__ import annotations

import ipaddress
import zlib
from pathlib import Path

__all__ = ["Addresses"]

_NETWORK = ipaddress.IPv4Network("10.244.0.0/16")


class Addresses:
    """Hands out addresses of 10.244.0.0/16, each to one Pod at a time.

    Two clusters on one machine share the loopback interface: each begins at a place that its folder decides, so that
    their few Pods hardly ever meet. An address is used again only after all others.
    """

    def __init__(self, folder: Path) -> None:
        self._used: set[str] = set()
        self._next = zlib.crc32(bytes(folder.resolve())) % _NETWORK.num_addresses

    def take(self, wanted: str | None = None) -> str:
        """A free address; the one wanted (by a Pod that had it before) where it is free. Raises RuntimeError."""
        if wanted and wanted not in self._used and ipaddress.ip_address(wanted) in _NETWORK:
            self._used.add(wanted)
            return wanted
        for _ in range(_NETWORK.num_addresses):
            self._next = (self._next + 1) % _NETWORK.num_addresses
            address = str(_NETWORK[self._next])
            if self._next % 256 not in (0, 255) and address not in self._used:
                self._used.add(address)
                return address
        raise RuntimeError("no Pod address is left")

    def release(self, address: str) -> None:
        """Give an address back."""
        self._used.discard(address)
