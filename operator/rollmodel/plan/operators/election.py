"""Leader election as a state machine: pure, with times of the caller's own clock only.

The rules are those of client-go. Whoever wrote the Lease last leads for ``renew_deadline`` after it *sent* that write.
The others take it when they have *seen* it unchanged for its whole duration, which is longer. Both times begin at one
write, the first before it is stored and the second after it, so they never overlap, however the clocks of the machines
differ. Only the speed of the clocks must agree, to a quarter. Times that stand in the Lease are for people.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Candidate", "Claim", "Lease", "Times"]


@dataclass(frozen=True, slots=True)
class Times:
    """How long things take, in seconds; all follow from the duration of the Lease."""

    duration: int

    @property
    def renew_deadline(self) -> float:
        """A leader that has not renewed for so long stops by itself, before anybody may take over."""
        return self.duration * 0.7

    @property
    def retry(self) -> float:
        """How often a leader renews, and the others look."""
        return self.duration / 8

    @property
    def request(self) -> float:
        """How long one request may take: so that a second one fits before the deadline."""
        return self.renew_deadline / 2


@dataclass(frozen=True, slots=True)
class Lease:
    """The Lease as the API server has it. ``holder`` is empty where it was released; ``duration`` is its holder's."""

    version: str
    holder: str
    duration: int
    transitions: int = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """What to write: over the Lease of this ``version`` and no other, or a new one where that is None.

    ``taken``: the holder is another one than before. An empty holder releases.
    """

    version: str | None
    holder: str
    duration: int
    transitions: int
    taken: bool


class Candidate:
    """One operator in the election: what it has seen, and until when it may act."""

    def __init__(self, identity: str, times: Times) -> None:
        self.identity = identity
        self.times = times
        self._lease: Lease | None = None
        self._seen = 0.0
        self._wait = 0.0
        self._until: float | None = None

    def leads(self, now: float) -> bool:
        """Whether it may act now. Ask before each action: a process can stand still for any time in between."""
        return self._until is not None and now < self._until

    def lost(self, now: float) -> bool:
        """Whether it led, and leads no more."""
        return self._until is not None and now >= self._until

    @property
    def holder(self) -> str:
        """Who holds the Lease as last seen; empty for nobody."""
        return self._lease.holder if self._lease is not None else ""

    def claim(self, now: float) -> Claim | None:
        """What to write over the Lease as it was last seen; None while it is another's, or where ours was lost."""
        if self.lost(now):
            return None
        if self._lease is not None and self._lease.holder == self.identity:
            return self._claim(taken=False)
        if self._until is None and now >= self._seen + self._wait:
            return self._claim(taken=True)
        return None

    def release(self) -> Claim | None:
        """Lead no more, and what to write so that another may at once; None where the Lease is not ours."""
        held = self._until is not None and self.holder == self.identity
        self._until = float("-inf") if self._until is not None else None
        if not held or self._lease is None:
            return None
        return Claim(self._lease.version, "", self.times.duration, self._lease.transitions, taken=False)

    def saw(self, lease: Lease | None, now: float) -> None:
        """The Lease was read; None where there is none."""
        if lease == self._lease:
            return
        # One that vanishes was deleted by somebody, maybe under a leader that does not know it yet.
        self._wait = self._duration_of(lease if lease is not None else self._lease)
        self._lease, self._seen = lease, now
        if lease is None or lease.holder != self.identity:
            self._depose()

    def wrote(self, lease: Lease, sent: float) -> None:
        """A claim was accepted, and stored as ``lease``; it was sent at ``sent``."""
        self._lease, self._seen, self._wait = lease, sent, 0.0
        if lease.holder == self.identity and (self._until is None or sent < self._until):
            self._until = sent + self.times.renew_deadline

    def patience(self, now: float) -> float:
        """How long a request that begins now may take, in seconds: a leader has to end in time."""
        if self._until is None or not self.leads(now):
            return self.times.request
        return min(self.times.request, self._until - now)

    def pause(self, now: float) -> float:
        """Seconds until there is something to do: to renew, or to look again."""
        if self._until is not None:
            return max(0.0, min(self.times.retry, self._until - now))
        left = self._seen + self._wait - now
        return min(self.times.retry, left) if left > 0 else self.times.retry

    def _claim(self, *, taken: bool) -> Claim:
        version = self._lease.version if self._lease is not None else None
        before = self._lease.transitions if self._lease is not None else -1
        return Claim(version, self.identity, self.times.duration, before + taken, taken)

    def _duration_of(self, lease: Lease | None) -> float:
        free = lease is None or lease.holder in ("", self.identity)
        return 0.0 if free or lease is None else float(lease.duration)

    def _depose(self) -> None:
        if self._until is not None:
            self._until = float("-inf")
