"""Servers with a certificate of a private authority, as in-house ones have it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from localcluster.pki import Authority

__all__ = ["PrivateTls"]


@dataclass(frozen=True)
class PrivateTls:
    """A private authority in ``folder``, and who is vouched for by it: a server at 127.0.0.1, and a client."""

    folder: Path
    ca: Path
    client: tuple[Path, Path]
    _server: tuple[Path, Path]

    @classmethod
    def create(cls, folder: Path) -> PrivateTls:
        """Make them all."""
        authority = Authority.create("in-house")
        return cls(
            folder,
            authority.save(folder, "ca"),
            authority.client("rollmodel").write(folder, "client"),
            authority.server("prometheus", ["127.0.0.1"]).write(folder, "server"),
        )

    @property
    def pem(self) -> str:
        """The authority's certificate."""
        return self.ca.read_text()

    def server(self, *, asks_for_clients: bool = False) -> ssl.SSLContext:
        """For a server, which may let in only clients with a certificate of the same authority."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*self._server)
        if asks_for_clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.ca)
        return context
