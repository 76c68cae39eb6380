"""Free ports, and probes that tell when a server answers. Everything is on the loopback interface."""

from __future__ import annotations

import random
import socket
import ssl
import urllib.error
import urllib.request
from pathlib import Path

__all__ = ["LOOPBACK", "free_port", "http_ok", "tcp_open", "tls_context"]

LOOPBACK = "127.0.0.1"
# Below the range from which Linux takes ports for outgoing connections (32768 and up), so that nothing
# sits down on a server's port while that server is being restarted.
_PORTS = range(20_000, 30_000)
_PROBE_SECONDS = 2.0
_DIRECT = urllib.request.ProxyHandler({})


def free_port() -> int:
    """Return a TCP port on which nobody listens now."""
    for port in random.sample(_PORTS, k=len(_PORTS)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port in {_PORTS}")


def tls_context(ca: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """Trust ``ca`` only, and present ``certificate`` to the server."""
    context = ssl.create_default_context(cafile=str(ca))
    context.load_cert_chain(certificate, key)
    return context


def http_ok(url: str, context: ssl.SSLContext | None = None) -> bool:
    """Whether a GET of ``url`` answers 200. Proxies of the environment are not used."""
    opener = urllib.request.build_opener(_DIRECT, urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(url, timeout=_PROBE_SECONDS) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False


def tcp_open(port: int) -> bool:
    """Whether somebody listens on the loopback ``port``."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=_PROBE_SECONDS):
            return True
    except OSError:
        return False
