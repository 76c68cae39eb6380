"""The whole exception tree of Rollmodel, on one page.

    RollmodelError
    ├── Transient            try again later; nothing is known to be wrong with the request
    │   ├── Unavailable      a neighbour (API server, registry, Prometheus) cannot be reached or answers 5xx
    │   └── Conflict         someone else wrote first (HTTP 409); read again
    └── Terminal             trying again without a change cannot help
        ├── NotFound         the named thing does not exist
        ├── Forbidden        the neighbour knows us and says no
        │   └── Unauthorized the neighbour does not accept our login
        ├── Invalid          the request (spec, query, name) is wrong; the message says what is allowed
        └── Untrustworthy    an answer arrived that must not become evidence (NaN, warnings, unexpected series)

Messages are shown to users in conditions and Events: they carry no secret, no header and no URL userinfo.
"""

from __future__ import annotations

from rollmodel.text import plain

__all__ = [
    "Conflict",
    "Forbidden",
    "Invalid",
    "NotFound",
    "RollmodelError",
    "Terminal",
    "Transient",
    "Unauthorized",
    "Unavailable",
    "Untrustworthy",
]


class RollmodelError(Exception):
    """Base of every error that Rollmodel raises on purpose.

    ``reason`` is one CamelCase word for a condition or an Event; ``str(error)`` is its message.
    """

    default_reason = "Error"

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(plain(message, lines=True))
        self.reason = reason or self.default_reason


class Transient(RollmodelError):
    """Try again later. ``retry_after`` is a hint in seconds, if the neighbour gave one."""

    default_reason = "Transient"

    def __init__(self, message: str, *, reason: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, reason=reason)
        self.retry_after = retry_after


class Unavailable(Transient):
    """A neighbour cannot be reached, timed out, or answers 5xx or 429."""

    default_reason = "Unavailable"


class NotAnsweredYet(Unavailable):
    """A neighbour was asked for the first time, some seconds ago. That is no news: what was told before stays told."""

    default_reason = "NotAnsweredYet"


class Conflict(Transient):
    """Someone else wrote first (HTTP 409): read again, decide again."""

    default_reason = "Conflict"


class Terminal(RollmodelError):
    """Trying again without a change cannot help."""

    default_reason = "Failed"


class NotFound(Terminal):
    """The named object, model, version or alias does not exist."""

    default_reason = "NotFound"


class Forbidden(Terminal):
    """The neighbour understood and refused (401, 403)."""

    default_reason = "Forbidden"


class Unauthorized(Forbidden):
    """The neighbour does not accept our login (401), so it has not judged the request."""


class Invalid(Terminal):
    """The request is wrong; the message says what is allowed."""

    default_reason = "Invalid"


class Untrustworthy(Terminal):
    """An answer that must not become evidence: NaN, partial, stale, or of an unexpected shape."""

    default_reason = "Untrustworthy"
