"""What objects were refused in their last pass, for the next one, which puts it into a condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rollmodel.backoff import Backoff
from rollmodel.reconcile.effects.execution_state import Refusal

__all__ = ["REFUSED_RETRY_SECONDS", "Rejections"]

#: What was refused is tried again soon, then ever more rarely, at last this often: a right may have been given, a quota
#: may have grown, a name may have become free.
FIRST_RETRY_SECONDS = 5.0
REFUSED_RETRY_SECONDS = 60.0
#: What fails without being refused (a webhook that does not answer) is told when it has failed for so long.
FAILING_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class _Last:
    messages: tuple[str, ...] = ()
    failing: Mapping[str, datetime] = field(default_factory=dict)
    """What fails without being refused, and since when."""


_NOTHING = _Last()


class Rejections:
    """By UID of the object; nothing is held of those that were refused nothing."""

    def __init__(self) -> None:
        self._last: dict[str, _Last] = {}
        self._retries: dict[str, Backoff] = {}

    def of(self, uid: str) -> tuple[str, ...]:
        """What the last pass was refused, in words."""
        return self._last.get(uid, _NOTHING).messages

    def remember(self, uid: str, refused: Sequence[Refusal], now: datetime) -> bool:
        """Replace what is known of an object. True if that is news, so that another pass has something to say."""
        before = self._last.get(uid, _NOTHING)
        failing = {one.about: before.failing.get(one.about, now) for one in refused if one.transient}
        lasting = {about for about, since in failing.items() if (now - since).total_seconds() >= FAILING_SECONDS}
        told = [one.message for one in refused if not one.transient or one.about in lasting]
        self._last.pop(uid, None)
        if refused:
            self._last[uid] = _Last(tuple(dict.fromkeys(told)), failing)
        return self.of(uid) != before.messages

    def soonest(self, uid: str, refused: Sequence[Refusal], *delays: float | None) -> float | None:
        """The first of these delays and, after a refusal, of its own; None where nothing is due."""
        due = [delay for delay in delays if delay is not None]
        if any(not one.transient for one in refused):
            due.append(self.retry(uid))
        else:
            self._retries.pop(uid, None)
        return min(due, default=None)

    def retry(self, uid: str) -> float:
        """Seconds until what was refused is tried again; each time more."""
        usual = Backoff(first=FIRST_RETRY_SECONDS, cap=REFUSED_RETRY_SECONDS)
        return self._retries.setdefault(uid, usual).next()

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._last.pop(uid, None)
        self._retries.pop(uid, None)
