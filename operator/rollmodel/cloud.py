"""Where clouds hand out credentials to whoever asks from inside: nobody may lead us there.

AWS, Azure and GCP do so at link-local addresses (RFC 3927, RFC 4291) and at a few others. A host can be written in many
ways (``169.254.169.254`` is also ``2852039166`` and ``0xa9.254.43518``, see inet_aton(3)), and any name can resolve to
such an address.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from ipaddress import ip_address

__all__ = ["is_of_cloud", "leads_to_cloud"]

_NAMES = {"metadata.google.internal", "metadata"}
_ADDRESSES = {"fd00:ec2::254", "168.63.129.16", "100.100.100.200"}


def is_of_cloud(host: str) -> bool:
    """Whether a host is such an address, or such a name. Nothing is looked up."""
    name = host.rstrip(".").lower()
    text = name.partition("%")[0]
    with suppress(OSError, ValueError):
        text = socket.inet_ntoa(socket.inet_aton(text))
    try:
        address = ip_address(text)
    except ValueError:
        return name in _NAMES
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_link_local or str(address) in _ADDRESSES


def leads_to_cloud(host: str) -> bool:
    """Whether a host is such an address, or a name that resolves to one now."""
    if is_of_cloud(host):
        return True
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, ValueError):
        return False  # then it cannot be asked either
    return any(is_of_cloud(str(where[0])) for *_, where in found)
