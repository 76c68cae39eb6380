"""Private certificate authorities: whom to trust beside the public ones, and why a server was not believed."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from rollmodel.errors import Invalid

__all__ = ["CA_LIMIT", "check_ca", "tls_failure", "trusting"]

#: The largest bundle that is accepted, in characters: it goes into the environment of pods.
CA_LIMIT = 64 * 2**10


def check_ca(pem: str) -> str:
    """The same text. Raises ValueError unless it is certificates in PEM, and not more than ``CA_LIMIT``."""
    if len(pem) > CA_LIMIT:
        raise ValueError(f"must be the certificates of your own authorities, {CA_LIMIT >> 10} KiB at most")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError):
        raise ValueError("must be certificates in PEM (-----BEGIN CERTIFICATE-----)") from None
    return pem


def trusting(pem: str) -> ssl.SSLContext:
    """A client's context that trusts these authorities as well as the public ones. Raises Invalid."""
    try:
        check_ca(pem)
    except ValueError as error:
        raise Invalid(f"the certificate authority {error}", reason="InvalidCa") from None
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=pem)
    return context


def tls_failure(error: BaseException) -> str | None:
    """Why a certificate was not accepted or TLS did not come about, in OpenSSL's words; None for other errors."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
        if isinstance(cause, ssl.SSLError):
            return (cause.reason or type(cause).__name__).replace("_", " ").lower()
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps: ``requests`` keeps the cause in its arguments, ``urllib3`` in ``reason``."""
    left: list[object] = [error]
    seen: set[int] = set()
    while left:
        one = left.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            left += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
