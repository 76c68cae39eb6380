"""Leader election: one leader at most, whatever clocks and networks do, and always one again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.plan.operators.election import Candidate, Claim, Lease, Times

TIMES = Times(10)


@dataclass
class Store:
    """The Lease at the API server, which takes a write over the version that it has, and no other."""

    lease: Lease | None = None
    version: int = 0

    def write(self, claim: Claim) -> Lease | None:
        if claim.version != (self.lease.version if self.lease else None):
            return None
        self.version += 1
        self.lease = Lease(str(self.version), claim.holder, claim.duration, claim.transitions)
        return self.lease


@dataclass
class Player:
    """A candidate with a clock of its own, and its writes that are under way."""

    candidate: Candidate
    offset: float
    speed: float
    sent: list[tuple[Claim, float]] = field(default_factory=list)
    stored: list[tuple[Lease, float]] = field(default_factory=list)

    def local(self, time: float) -> float:
        return self.offset + time * self.speed


def renewed(store: Store, candidate: Candidate, now: float) -> None:
    """One round of an election without trouble."""
    candidate.saw(store.lease, now)
    claim = candidate.claim(now)
    if claim is not None and (lease := store.write(claim)) is not None:
        candidate.wrote(lease, now)


def held(store: Store, holder: str = "a", duration: int = 10) -> Lease:
    """Somebody renews the Lease."""
    store.version += 1
    store.lease = Lease(str(store.version), holder, duration, 0)
    return store.lease


def test_a_lease_that_nobody_has_is_taken_at_once() -> None:
    store, candidate = Store(), Candidate("a", TIMES)
    assert not candidate.leads(0.0)
    renewed(store, candidate, 0.0)
    assert candidate.leads(6.9)
    assert not candidate.leads(7.0)
    assert store.lease == Lease("1", "a", 10, 0)


@pytest.mark.parametrize(
    ("after", "taken"), [(0.0, False), (9.9, False), (10.0, True)], ids=["at once", "too early", "in time"]
)
def test_one_that_is_not_renewed_is_taken_when_its_time_is_over(after: float, taken: bool) -> None:
    store, candidate = Store(), Candidate("b", TIMES)
    held(store)
    candidate.saw(store.lease, 100.0)
    renewed(store, candidate, 100.0 + after)
    assert candidate.leads(100.0 + after) is taken
    assert store.lease is not None
    assert store.lease.transitions == int(taken)


def test_each_renewal_begins_the_wait_anew() -> None:
    store, candidate = Store(), Candidate("b", TIMES)
    for now in range(0, 100, 9):
        held(store)
        renewed(store, candidate, float(now))
    assert not candidate.leads(100.0)


def test_the_duration_is_the_one_of_its_holder() -> None:
    """Also while an upgrade changes it."""
    store, candidate = Store(), Candidate("b", TIMES)
    held(store, duration=30)
    renewed(store, candidate, 0.0)
    renewed(store, candidate, 29.0)
    assert not candidate.leads(29.0)
    renewed(store, candidate, 30.0)
    assert candidate.leads(30.0)


def test_a_released_one_is_taken_at_once() -> None:
    store, first, second = Store(), Candidate("a", TIMES), Candidate("b", TIMES)
    renewed(store, first, 0.0)
    renewed(store, second, 0.0)
    claim = first.release()
    assert claim is not None
    assert not first.leads(0.0)
    store.write(claim)
    renewed(store, second, 0.1)
    assert second.leads(0.1)


def test_who_never_led_or_lost_it_to_another_releases_nothing() -> None:
    store, candidate = Store(), Candidate("a", TIMES)
    assert candidate.release() is None
    renewed(store, candidate, 0.0)
    candidate.saw(held(store, "b"), 1.0)
    assert candidate.lost(1.0)
    assert candidate.release() is None


def test_one_that_vanished_is_waited_for() -> None:
    """Its holder may not know that somebody deleted it."""
    store, candidate = Store(), Candidate("b", TIMES)
    held(store)
    renewed(store, candidate, 0.0)
    store.lease = None
    renewed(store, candidate, 1.0)
    assert not candidate.leads(10.9)
    renewed(store, candidate, 11.0)
    assert candidate.leads(11.0)


def test_who_lost_it_never_leads_again() -> None:
    store, candidate = Store(), Candidate("a", TIMES)
    renewed(store, candidate, 0.0)
    assert candidate.lost(7.0)
    renewed(store, candidate, 7.0)
    assert not candidate.leads(7.0)


def test_a_renewal_counts_from_when_it_was_sent() -> None:
    store, candidate = Store(), Candidate("a", TIMES)
    renewed(store, candidate, 0.0)
    claim = candidate.claim(1.0)
    assert claim is not None
    lease = store.write(claim)
    assert lease is not None
    candidate.wrote(lease, sent=1.0)  # and the answer came at 6.0
    assert candidate.leads(7.9)
    assert not candidate.leads(8.0)


@pytest.mark.parametrize(
    ("now", "pause"), [(0.0, 1.25), (8.0, 1.25), (9.5, 0.5), (11.0, 1.25)], ids=["long", "not yet", "soon", "over"]
)
def test_a_standby_looks_regularly_and_when_the_time_is_over(now: float, pause: float) -> None:
    candidate = Candidate("b", TIMES)
    candidate.saw(held(Store()), 0.0)
    assert candidate.pause(now) == pause


def look(store: Store, player: Player, now: float) -> None:
    player.candidate.saw(store.lease, now)


def send(_: Store, player: Player, now: float) -> None:
    if (claim := player.candidate.claim(now)) is not None:
        player.sent.append((claim, now))


def arrive(store: Store, player: Player, _: float) -> None:
    """A write reaches the API server, whenever it was sent."""
    if player.sent:
        claim, sent = player.sent.pop()
        if (lease := store.write(claim)) is not None:
            player.stored.append((lease, sent))


def answer(_: Store, player: Player, __: float) -> None:
    if player.stored:
        player.candidate.wrote(*player.stored.pop())


def lose(_: Store, player: Player, __: float) -> None:
    player.stored.clear()


def give_back(_: Store, player: Player, now: float) -> None:
    if (claim := player.candidate.release()) is not None:
        player.sent.append((claim, now))


def restart(_: Store, player: Player, __: float) -> None:
    """A new process, with what the old one sent still under way, and nobody who waits for the answers."""
    player.candidate = Candidate(player.candidate.identity + "'", TIMES)
    player.stored.clear()


def play(store: Store, player: Player, now: float) -> None:
    renewed(store, player.candidate, now)


Act = Callable[[Store, Player, float], None]
ACTS: list[Act] = [*[play] * 8, *[look, send, arrive, answer] * 2, lose, give_back, restart]


@pytest.mark.parametrize("part", range(4))
def test_never_two_leaders(part: int) -> None:
    """Clocks that differ and drift, processes that stand still, writes that arrive late, answers that are lost."""
    led = 0
    for seed in range(part * 50, part * 50 + 50):
        chance, store, time = Random(seed), Store(), 0.0  # noqa: S311 - no secrets
        players = [
            Player(Candidate(name, TIMES), chance.uniform(-1e6, 1e6), chance.uniform(0.9, 1.1)) for name in "abc"
        ]
        for step in range(300):
            if step % 50 == 0:  # one of them stands still, or is cut off
                awake = chance.sample(players, 2)
            time += chance.choice((0.0, 0.1, 0.2, 2.0)) * chance.random()
            player = chance.choice(awake)
            chance.choice(ACTS)(store, player, player.local(time))
            leaders = [one for one in players if one.candidate.leads(one.local(time))]
            assert len(leaders) <= 1, f"world {seed}"
            led += len(leaders)
    assert led > 2000


@given(dead=st.floats(0.0, 30.0), lag=st.floats(0.0, 1.25))
@settings(max_examples=50, deadline=None)
def test_a_dead_leader_is_followed_in_time(dead: float, lag: float) -> None:
    """By one that looks as often as it is told to: in less than twelve seconds after the last renewal."""
    store, first, second = Store(), Candidate("a", TIMES), Candidate("b", TIMES)
    renewed(store, first, 0.0)
    last, next_, now = 0.0, first.pause(0.0), lag
    while not second.leads(now):
        while next_ <= min(now, dead):
            renewed(store, first, next_)
            last, next_ = next_, next_ + first.pause(next_)
        renewed(store, second, now)
        now += 0.0 if second.leads(now) else second.pause(now)
    assert now >= last + TIMES.duration
    assert now <= last + 12.0
