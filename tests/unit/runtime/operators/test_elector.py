"""Two operators and one Lease in memory: who leads when, on an API server that may be away."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from rollmodel.errors import Conflict, Forbidden, NotFound, RollmodelError, Unavailable
from rollmodel.plan.operators.election import Candidate, Claim, Lease, Times
from rollmodel.runtime.operators.elector import Elector, LeaseLost

from tests.support import virtual_time

TIMES = Times(10)


@dataclass
class Server:
    """The API server, as far as one Lease goes.

    ``trouble`` is what each request ends with; ``hangs``: none does; ``swallows``: writes are stored, and not answered.
    """

    lease: Lease | None = None
    trouble: RollmodelError | None = None
    hangs: bool = False
    swallows: bool = False
    requests: int = 0
    writes: list[str] = field(default_factory=list)

    async def read(self) -> Lease | None:
        await self._arrive()
        return self.lease

    async def write(self, claim: Claim) -> Lease:
        await self._arrive()
        if claim.version != (self.lease.version if self.lease else None):
            raise (Conflict if self.lease else NotFound)("it is another one")
        self.writes.append(claim.holder)
        self.lease = Lease(str(len(self.writes)), claim.holder, claim.duration, claim.transitions)
        if self.swallows:
            await asyncio.sleep(60)
        return self.lease

    async def _arrive(self) -> None:
        self.requests += 1
        await asyncio.sleep(60 if self.hangs else 0.01)
        if self.trouble is not None:
            raise self.trouble


def now() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class Operator:
    """A process that works while it leads."""

    server: Server
    name: str
    began: list[float] = field(default_factory=list)
    end: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.elector = Elector(self.server, Candidate(self.name, TIMES), clock=now)
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with self.elector.leading():
            self.began.append(now())
            await self.end.wait()

    async def kill(self) -> None:
        """As kill -9: it says nothing more to anybody."""
        self.elector._store = Server(hangs=True)
        self.task.cancel()


async def _two(server: Server) -> tuple[Operator, Operator]:
    first = Operator(server, "first")
    await asyncio.sleep(1)
    second = Operator(server, "second")
    await asyncio.sleep(30)
    assert first.elector.leads()
    assert not second.elector.leads()
    return first, second


def test_one_leads_and_goes_on_leading() -> None:
    async def story() -> None:
        first, second = await _two(Server())
        await asyncio.sleep(600)
        assert first.elector.leads()
        assert second.began == []
        first.end.set()
        second.task.cancel()
        await first.task

    virtual_time.run(story())


def test_a_graceful_end_hands_over_at_the_next_look() -> None:
    async def story() -> None:
        first, second = await _two(Server())
        ended = now()
        first.end.set()
        await first.task
        await asyncio.sleep(TIMES.retry + 0.1)
        assert second.began[0] - ended < TIMES.retry + 0.1
        second.end.set()
        await second.task

    virtual_time.run(story())


def test_the_lease_is_given_back_only_after_the_work_has_ended() -> None:
    async def story() -> None:
        server = Server()
        elector = Elector(server, Candidate("first", TIMES), clock=now)
        async with elector.leading():
            try:
                await asyncio.sleep(1)
            finally:
                await asyncio.sleep(20)  # passes that take time to end
                assert elector.leads()
                assert server.lease is not None
                assert server.lease.holder == "first"
        assert server.lease.holder == ""
        assert not elector.leads()

    virtual_time.run(story())


def test_after_a_kill_the_other_leads_within_twelve_seconds() -> None:
    async def story() -> None:
        first, second = await _two(Server())
        killed = now()
        await first.kill()
        await asyncio.sleep(15)
        assert second.began
        assert second.began[0] - killed < 12
        second.end.set()
        await second.task

    virtual_time.run(story())


@pytest.mark.parametrize("how", ["hangs", "refuses", "swallows"])
def test_a_leader_that_cannot_renew_ends_before_another_may_begin(how: str) -> None:
    async def story() -> None:
        server = Server()
        first, _ = await _two(server)
        server.hangs, server.swallows = how == "hangs", how == "swallows"
        server.trouble = Unavailable("away") if how == "refuses" else None
        before = now()
        with pytest.raises(LeaseLost):
            await first.task
        assert not first.elector.leads()
        assert now() - before <= TIMES.renew_deadline + TIMES.request + 0.1  # the second is for giving it back

    virtual_time.run(story())


def test_one_failed_renewal_is_no_loss() -> None:
    async def story() -> None:
        server = Server()
        first, _ = await _two(server)
        server.trouble = Unavailable("away")
        await asyncio.sleep(4)
        assert first.elector.problem is not None
        server.trouble = None
        await asyncio.sleep(30)
        assert first.elector.leads()
        assert first.elector.problem is None
        first.end.set()
        await first.task

    virtual_time.run(story())


def test_a_leader_that_stood_still_knows_it_at_once() -> None:
    """Before its loop has run any timer: what was waiting to act asks first."""
    slept = 0.0

    async def story() -> None:
        nonlocal slept
        elector = Elector(Server(), Candidate("first", TIMES), clock=lambda: now() + slept)
        with suppress(LeaseLost):
            async with elector.leading():
                assert elector.leads()
                slept = 8.0
                assert not elector.leads()
                await asyncio.sleep(600)
        assert now() < 5

    virtual_time.run(story())


def test_a_renewal_whose_answer_is_lost_does_not_keep_it_from_being_given_back() -> None:
    async def story() -> None:
        server = Server()
        first, _ = await _two(server)
        server.swallows = True
        await asyncio.sleep(TIMES.retry + 0.5)
        server.swallows = False
        first.end.set()
        await first.task
        assert "" in server.writes

    virtual_time.run(story())


def test_a_missing_right_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        operator = Operator(Server(trouble=Forbidden('cannot get resource "leases"')), "first")
        await asyncio.sleep(60)
        assert "cannot get" in (operator.elector.problem or "")
        assert len([one for one in caplog.records if "cannot get" in one.message]) == 1
        operator.task.cancel()

    virtual_time.run(story())


def test_it_costs_less_than_a_request_a_second_each() -> None:
    async def story() -> None:
        server = Server()
        first, second = await _two(server)
        before = server.requests
        await asyncio.sleep(600)
        assert server.requests - before < 1000
        first.end.set()
        second.task.cancel()
        await first.task

    virtual_time.run(story())
