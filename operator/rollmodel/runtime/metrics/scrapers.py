"""Who may read the operator's metrics, where a setting says that not everybody may: asked of the API server.

An answer is believed for a while, so that a scrape costs no request. What strangers can make us ask is bounded: few
questions at once, few in a minute, and their answers take no place of those who may.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any, Protocol

from rollmodel.errors import RollmodelError

__all__ = ["Scrapers"]

#: How long an answer is believed, in seconds.
ALLOWED_SECONDS, REFUSED_SECONDS = 60.0, 10.0
#: Answers that are kept, of each sort.
KEPT = 64
#: Questions about tokens that are not known, at once and in a minute.
AT_ONCE, IN_A_MINUTE = 4, 60
_LONGEST_TOKEN = 16_384
_OK, _UNKNOWN, _REFUSED, _BUSY = 200, 401, 403, 503


class Reviewer(Protocol):
    """Who knows users and what they may."""

    async def user(self, token: str) -> dict[str, Any] | None:
        """Whose token this is; None where it is nobody's."""
        ...

    async def may_get(self, user: dict[str, Any], path: str) -> bool:
        """Whether the user may get this path."""
        ...


class Scrapers:
    """Judges the ``Authorization`` header of a scrape. Tokens are remembered as hashes only."""

    def __init__(self, reviewer: Reviewer, clock: Callable[[], float] = time.monotonic) -> None:
        self._reviewer = reviewer
        self._clock = clock
        self._allowed: OrderedDict[bytes, tuple[int, float]] = OrderedDict()
        self._others: OrderedDict[bytes, tuple[int, float]] = OrderedDict()
        self._asked: deque[float] = deque(maxlen=IN_A_MINUTE)
        self._asking = 0

    async def judge(self, header: str | None, path: str) -> int:
        """The HTTP status: 200, 401 without somebody's token, 403 without the right, 503 if that is not known."""
        scheme, _, token = (header or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token or len(token) > _LONGEST_TOKEN or not token.isascii():
            return _UNKNOWN
        key = hashlib.sha256(f"{path} {token}".encode()).digest()
        known = self._remembered(key)
        if known is not None:
            return known
        if not self._has_room():
            return _BUSY
        self._asking += 1
        try:
            found = await self._ask(token, path)
        except RollmodelError:
            return _BUSY
        finally:
            self._asking -= 1
        self._remember(key, found)
        return found

    async def _ask(self, token: str, path: str) -> int:
        user = await self._reviewer.user(token)
        if user is None:
            return _UNKNOWN
        return _OK if await self._reviewer.may_get(user, path) else _REFUSED

    def _remembered(self, key: bytes) -> int | None:
        for answers in (self._allowed, self._others):
            status, until = answers.get(key, (0, 0.0))
            if status and self._clock() < until:
                return status
        return None

    def _remember(self, key: bytes, status: int) -> None:
        self._allowed.pop(key, None)
        self._others.pop(key, None)
        answers, seconds = (self._allowed, ALLOWED_SECONDS) if status == _OK else (self._others, REFUSED_SECONDS)
        answers[key] = status, self._clock() + seconds
        while len(answers) > KEPT:
            answers.popitem(last=False)

    def _has_room(self) -> bool:
        now = self._clock()
        busy = len(self._asked) == IN_A_MINUTE and now - self._asked[0] < 60.0
        if busy or self._asking >= AT_ONCE:
            return False
        self._asked.append(now)
        return True
