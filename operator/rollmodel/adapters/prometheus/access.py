"""How to reach a Prometheus and to log in there: password or token, certificates, headers such as a tenant's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Access", "Login"]


@dataclass(frozen=True, slots=True)
class Login:
    """How to log in to Prometheus: not at all, by password, or by token. A token file is read at each request."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None

    def header(self) -> dict[str, str]:
        """The Authorization header, if it is one; basic authentication is left to ``requests``."""
        token = self.token_file.read_text(encoding="utf-8").strip() if self.token_file else self.token
        return {"Authorization": f"Bearer {token}"} if token else {}

    def basic(self) -> tuple[str, str] | None:
        """Name and password."""
        return (self.username, self.password) if self.username and self.password else None


@dataclass(frozen=True, slots=True)
class Access:
    """Whom to trust, and how to show who we are, beside the login.

    ``ca_file`` takes the place of the public authorities; it and the client's certificate and key are PEM files
    that are read again for each new connection. ``headers`` go with each request; ``repr`` does not show them.
    """

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def verify(self) -> bool | str:
        """As ``requests`` wants it."""
        return str(self.ca_file) if self.ca_file else True

    @property
    def certificate(self) -> tuple[str, str] | str | None:
        """As ``requests`` wants it; without a key file the certificate's file holds both."""
        if self.certificate_file is None:
            return None
        return (str(self.certificate_file), str(self.key_file)) if self.key_file else str(self.certificate_file)
