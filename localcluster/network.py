"""Ports that are held, and probes that tell when a server answers. Everything is on the loopback interface."""

from __future__ import annotations

import random
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

__all__ = ["LOOPBACK", "free_port", "held_ports", "hold_port", "http_ok", "tcp_open", "tls_context"]

LOOPBACK = "127.0.0.1"
# Below the range from which Linux takes ports for outgoing connections (32768 and up), so that nothing
# sits down on a server's port while that server is being restarted.
_PORTS = range(20_000, 30_000)
_PROBE_SECONDS = 2.0
_DIRECT = urllib.request.ProxyHandler({})


def hold_port() -> socket.socket:
    """Take a TCP port that nobody has, until the socket that is returned is closed.

    The socket is bound and never listens. It is bound without SO_REUSEADDR, which fails where any other socket is
    bound, held or listening: no port is held twice. The option is set afterwards. From then on a server can bind to the
    port and listen, and can do so again later: sockets with this option share an address as long as none of the others
    listens (socket(7)), and servers set it. Raises OSError if no port is left.
    """
    for port in random.sample(_PORTS, k=len(_PORTS)):
        holder = socket.socket()
        try:
            holder.bind((LOOPBACK, port))
        except OSError:
            holder.close()
            continue
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return holder
    raise OSError(f"no free port in {_PORTS}")


@contextmanager
def held_ports(names: Iterable[str]) -> Iterator[dict[str, int]]:
    """Hold one port for each name while the block lasts: the ports by name."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(hold_port()).getsockname()[1] for name in names}


def free_port() -> int:
    """Return a port on which nobody listens now, and hold it for as long as this process lives."""
    holder = hold_port()
    port: int = holder.getsockname()[1]
    holder.detach()  # left open: the kernel closes it at the end of the process
    return port


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
