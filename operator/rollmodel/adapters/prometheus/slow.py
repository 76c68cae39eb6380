"""Queries that Prometheus cannot answer in time are asked seldom: they cost it as much as many that it can answer."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from rollmodel.errors import Unavailable

__all__ = ["SlowQueries"]

#: So many time-outs in a row make a query a slow one.
_ENOUGH = 2
_LONGEST_SECONDS = 60.0
_REMEMBERED = 4096

#: Whose query it is (the UID of an object), and its text.
Key = tuple[str, str]


@dataclass(slots=True)
class _Slow:
    since: float
    times: int = 0
    until: float = 0.0


class SlowQueries:
    """Remembers which queries ran into their ``timeout`` (seconds), and for how long they are left alone.

    Where nobody gets an answer the query is not to blame, but Prometheus is away: then nothing pauses, so that work
    goes on as soon as it is back.
    """

    def __init__(self, timeout: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._timeout = timeout
        self._clock = clock
        self._slow: OrderedDict[Key, _Slow] = OrderedDict()
        self._answered = float("-inf")

    def check(self, key: Key) -> None:
        """Raises Unavailable while this query is left alone."""
        slow = self._slow.get(key)
        if slow is None or slow.times < _ENOUGH or self._answered < slow.since:
            return
        left = slow.until - self._clock()
        if left > 0:
            asked = f"{slow.times} times in a row it took longer than {self._timeout:g} s"
            raise Unavailable(f"Prometheus is asked this query again in {left:.0f} s: {asked}")

    def timed_out(self, key: Key) -> None:
        """It did, once more."""
        now = self._clock()
        slow = self._slow.setdefault(key, _Slow(now))
        slow.times += 1
        slow.until = now + min(_LONGEST_SECONDS, self._timeout * 2.0 ** min(slow.times - 1, 10))
        self._slow.move_to_end(key)
        if len(self._slow) > _REMEMBERED:
            self._slow.popitem(last=False)

    def answered(self, key: Key) -> None:
        """It got an answer, in time."""
        self._answered = self._clock()
        self._slow.pop(key, None)
