"""Leader election as this process lives it: wait for the Lease, keep it, give it back.

:meth:`Elector.leads` is asked before each action, so that a process which stood still (a suspended machine, a blocked
loop) acts no more when it wakes too late, though it has not yet found out why.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from rollmodel.errors import Conflict, NotFound, RollmodelError
from rollmodel.plan.operators.election import Candidate, Claim, Lease

__all__ = ["Elector", "LeaseLost", "LeaseStore", "boot_time"]

_log = logging.getLogger(__name__)


class LeaseLost(RollmodelError):
    """We led, and lead no more; the process has to end."""

    default_reason = "LeaseLost"


class LeaseStore(Protocol):
    """The Lease, wherever it is kept. Both methods raise errors of :mod:`rollmodel.errors`."""

    async def read(self) -> Lease | None:
        """The Lease as it is; None where there is none."""
        ...

    async def write(self, claim: Claim) -> Lease:
        """Write it, if it still is the version that the claim is about; what is stored."""
        ...


def boot_time() -> float:
    """Seconds of a clock that never jumps, and that goes on while the machine is suspended."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


class Elector:
    """Takes part in the election on behalf of this process. ``problem`` is why we do not know who leads, if so."""

    def __init__(self, store: LeaseStore, candidate: Candidate, *, clock: Callable[[], float] = boot_time) -> None:
        self._store = store
        self._candidate = candidate
        self._clock = clock
        self.problem: str | None = None

    @property
    def identity(self) -> str:
        """Our name in the election."""
        return self._candidate.identity

    def leads(self) -> bool:
        """Whether we may act, now."""
        return self._candidate.leads(self._clock())

    @asynccontextmanager
    async def leading(self) -> AsyncIterator[None]:
        """Wait until we lead, and lead until the block ends. LeaseLost is raised in the place of its end otherwise.

        The Lease is given back only after the block has ended, so nothing of ours may act beyond it.
        """
        try:
            await self._elected()
            async with asyncio.TaskGroup() as tasks:
                holding = tasks.create_task(self._hold(), name="renew the Lease")
                yield
                holding.cancel()
        except BaseExceptionGroup as group:
            if (lost := group.subgroup(LeaseLost)) is not None:
                raise LeaseLost(str(lost.exceptions[0])) from None
            raise
        finally:
            await self._release()

    async def _elected(self) -> None:
        rival: str | None = None
        while not self.leads():
            await self._try()
            if self.leads():
                break
            if (holder := self._candidate.holder) not in ("", rival):
                _log.info("standby: %s leads", holder)
                rival = holder
            await asyncio.sleep(self._candidate.pause(self._clock()))
        _log.info("%s leads from now on", self._candidate.identity)

    async def _hold(self) -> None:
        """Renew. Raises LeaseLost where that fails for too long."""
        while self.leads():
            await asyncio.sleep(self._candidate.pause(self._clock()))
            await self._try()
        raise LeaseLost(f"the Lease is lost: {self.problem or self._holder() + ' has it'}")

    def _holder(self) -> str:
        return self._candidate.holder or "nobody"

    async def _try(self) -> None:
        """One look, or one renewal; what goes wrong is remembered and said once."""
        try:
            async with asyncio.timeout(self._candidate.patience(self._clock())):
                await self._step()
        except Conflict:
            return  # somebody was faster: the next look says who
        except (RollmodelError, TimeoutError) as error:
            problem = f"the Lease cannot be read or written: {str(error) or 'no answer in time'}"
            if problem != self.problem:
                _log.warning("%s", problem)
            self.problem = problem
        else:
            self.problem = None

    async def _step(self) -> None:
        claim = self._candidate.claim(self._clock()) if self.leads() else None
        if claim is None:
            await self._look()
            claim = self._candidate.claim(self._clock())
        if claim is None:
            return
        sent = self._clock()
        try:
            self._candidate.wrote(await self._store.write(claim), sent)
        except (Conflict, NotFound):
            await self._look()

    async def _look(self) -> None:
        lease = await self._store.read()
        self._candidate.saw(lease, self._clock())

    async def _release(self) -> None:
        """Let another take over at once, if it is ours to give."""
        with suppress(RollmodelError, TimeoutError):
            async with asyncio.timeout(self._candidate.times.request):
                while claim := self._candidate.release():
                    try:
                        await self._store.write(claim)
                    except Conflict:  # a renewal that we stopped waiting for was stored
                        await self._look()
                    else:
                        _log.info("the Lease is released")
                        return
