"""Which rollouts may begin now: rules, and what all others do.

Everybody's part is read from the statuses: once from a list, when rules that count appear, and then pass by pass. So a
restart forgets nothing, and at rest nobody is asked. Whoever is let counts as running from that moment on, in memory,
until its status says so: passes are many, and this is one process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from rollmodel.errors import RollmodelError
from rollmodel.plan.coordination.hold import NOT_ASKED, Hold
from rollmodel.plan.coordination.queue import answers, closed
from rollmodel.plan.coordination.rule_book import RuleBook, whose_name
from rollmodel.plan.coordination.standing import Standing, State
from rollmodel.plan.deployment.read_state import BeginRequest
from rollmodel.plan.manifest import Manifest
from rollmodel.ports.kubernetes import Kube
from rollmodel.ports.process import Clock

__all__ = ["Coordinator"]

#: Who may begin, and does not for so long, comes after the others.
_OFFER = timedelta(seconds=60)
#: What only a list has shown, and no pass, is listed again after this: it may be gone.
_UNSEEN = timedelta(seconds=60)
#: When others could not be counted.
_RETRY = timedelta(seconds=30)


class Coordinator:
    """All ModelDeployments by UID. ``wake(uid)`` tells one that it may begin."""

    def __init__(self, kube: Kube, clock: Clock, wake: Callable[[str], None]) -> None:
        self._kube, self._clock, self._wake = kube, clock, wake
        self.book = RuleBook()
        self._standings: dict[str, Standing] = {}
        self._unseen: set[str] = set()
        self._listed: datetime | None = None
        self._listing = asyncio.Lock()
        self._offers: dict[str, datetime] = {}
        self._line: tuple[datetime, dict[str, Hold | None]] | None = None

    def change(self, book: RuleBook) -> None:
        """Other rules hold from now on; who waits looks again."""
        if self.book.is_empty or not book.counts:
            self._listed = None  # nobody was counted, or is any more
            self._unseen.clear()
        self.book, self._line = book, None
        for uid, one in self._standings.items():
            if one.state is State.WAITING:
                self._wake(uid)
        if book.is_empty:
            self._standings.clear()
            self._offers.clear()

    async def ask(self, body: Manifest, begin_request: Callable[[], BeginRequest]) -> Hold | None:
        """Why what this pass would begin may not; None where it may, and then it counts as begun."""
        if self.book.is_empty:
            return None
        uid, now, standing = body["metadata"]["uid"], self._clock.now(), Standing.of(body)
        request = begin_request()
        if request is BeginRequest.NOTHING:
            self._note(uid, standing.at_rest(), now)
            return closed(self.book, standing, now) if standing.state is State.RUNNING else NOT_ASKED
        if request is BeginRequest.BEGIN_FREELY:
            self._note(uid, standing.running(), now)
            return None
        if (uncounted := await self._count(now)) is not None:
            return uncounted
        self._offers.pop(uid, None)
        self._note(uid, standing.waiting(now), now)
        hold = self._answers(now).get(uid)
        if hold is None:
            self._note(uid, standing.running(), now)
            return None
        return self._with_problem(standing, hold)

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._offers.pop(uid, None)
        self._unseen.discard(uid)
        if self._standings.pop(uid, None) is not None:
            self._line = None
            self._offer(self._clock.now(), but=uid)

    def _note(self, uid: str, standing: Standing, now: datetime) -> None:
        self._unseen.discard(uid)
        if self._standings.get(uid) != standing:
            self._standings[uid], self._line = standing, None
            self._offer(now, but=uid)

    def _offer(self, now: datetime, *, but: str) -> None:
        """Wake those who may begin by what has changed. An object that is asking needs no call."""
        if not any(one.state is State.WAITING for uid, one in self._standings.items() if uid != but):
            return
        free = {uid for uid, hold in self._answers(now).items() if hold is None}
        self._offers = {uid: at for uid, at in self._offers.items() if uid in free}
        for uid in free - self._offers.keys() - {but}:
            self._offers[uid] = now
            self._wake(uid)

    def _answers(self, now: datetime) -> dict[str, Hold | None]:
        """Of all who wait, computed once a second while nothing changes."""
        second = now.replace(microsecond=0)
        if self._line is None or self._line[0] != second:
            last = frozenset(uid for uid, at in self._offers.items() if now - at > _OFFER)
            self._line = second, answers(self.book, self._standings, second, last=last)
        return self._line[1]

    async def _count(self, now: datetime) -> Hold | None:
        """Know what the others do; why that is not known, else."""
        if not self.book.counts:
            return None
        async with self._listing:
            if self._listed is not None and not (self._unseen and now - self._listed > _UNSEEN):
                return None
            try:
                listed = {one["metadata"]["uid"]: Standing.of(one) async for one in self._kube.models()}
            except RollmodelError as error:
                return Hold("NotCounted", f"the rollouts of others cannot be counted: {error}", now + _RETRY)
            self._take(listed, now)
        return None

    def _take(self, listed: Mapping[str, Standing], now: datetime) -> None:
        for uid in self._unseen:
            self._standings.pop(uid, None)
        self._unseen = listed.keys() - self._standings.keys()
        self._standings |= {uid: listed[uid] for uid in self._unseen}
        self._listed, self._line = now, None

    def _with_problem(self, standing: Standing, hold: Hold) -> Hold:
        """With what is wrong with newer rules, where the last ones that were understood hold it up."""
        told = [
            f"the newest rules of {whose_name(whose)} are not understood, so those before hold: {error}"
            for whose, error in self.book.problems.items()
            if whose in {"", standing.namespace} and whose not in self.book.blocked
        ]
        return replace(hold, message="; ".join((hold.message, *told)))
