"""The one rule that lets Pods live on the loopback interface.

The API server refuses loopback addresses in EndpointSlices, so in the API a Pod has an address in 10.0.0.0/8. Its
process listens on the same address with the first octet 127. Whoever connects to a Pod (probes, Envoy, Prometheus)
swaps the octet back. So there is no need of root, of a network namespace, or of an interface beyond loopback.
"""

from __future__ import annotations

__all__ = ["LISTEN_ADDRESS_VARIABLE", "listen_address"]

LISTEN_ADDRESS_VARIABLE = "ROLLMODEL_LISTEN_ADDRESS"


def listen_address(address: str) -> str:
    """Where the process behind a Pod's API address listens; an address outside 10.0.0.0/8 is returned as it is."""
    return f"127.{address[3:]}" if address.startswith("10.") else address
