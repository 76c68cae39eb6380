"""Training runs: how long the operator takes between the moments of a run, and what one run costs; few and many."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from localcluster.kubeapi import KubeApi
from tests.bench.scale.measurements import bare_jobs
from tests.bench.scale.progress import say
from tests.bench.scale.rig.audit import Requests, requests
from tests.bench.scale.rig.process import Measured, operator
from tests.bench.scale.rig.runs import CODE_REQUESTS, Clock, Trial, apply, manifests, playing
from tests.bench.scale.rig.stack import OPERATOR, Stack

__all__ = ["Batch", "Crowd", "Training", "measure", "measure_crowd"]

_SETTLE_SECONDS = 5.0
#: How long the first and the last of many trainings take, in seconds; all others take no time.
_SHORTEST, _LONGEST = 20.0, 40.0
#: A line of MLflow's access log; a logged model has its id in the path.
_MLFLOW_REQUEST = re.compile(r"/api/2\.0/mlflow/(logged-models(?!/search)|[a-z/-]+)")


@dataclass(frozen=True, slots=True)
class Batch:
    """Runs that were measured together, from the first apply until MLflow knew the end of the last.

    ``mlflow``: requests that MLflow answered to the operator, by kind. ``memory``: bytes before, after, and at the
    most so far.
    """

    trials: list[Trial]
    requests: Requests
    mlflow: Counter[str]
    cpu_seconds: float
    memory: tuple[int, int, int]

    @property
    def seconds(self) -> float:
        """From the first apply to the last success."""
        return max(one.succeeded for one in self.trials) - min(one.applied for one in self.trials)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Many runs at once, and seconds from Job to pod of as many Jobs that came at once without an operator."""

    batch: Batch
    bare: list[float]


@dataclass(frozen=True, slots=True)
class Training:
    """``alone`` came one after the other; ``some`` and ``many`` all at once."""

    alone: Batch
    some: Batch
    many: Crowd


async def measure(where: Stack, alone: int, some: int, many: int) -> Training:
    """So many of each. The simulated node must be there. The first run, which loads MLflow's client, is apart."""
    bare = await bare_jobs.measure(where.cluster, many)
    async with _running(where) as bench:
        return Training(
            await bench.batch("alone", alone, at_once=1),
            await bench.batch("some", some, at_once=some),
            await bench.crowd(many, bare),
        )


async def measure_crowd(where: Stack, many: int) -> Crowd:
    """Only so many at once, as in :func:`measure`."""
    bare = await bare_jobs.measure(where.cluster, many)
    async with _running(where) as bench:
        return await bench.crowd(many, bare)


@asynccontextmanager
async def _running(where: Stack) -> AsyncIterator[_Bench]:
    with operator(where) as process:
        await process.start()
        async with playing(where) as (api, clock):
            bench = _Bench(where, process, api, clock)
            await bench.batch("first", 1, at_once=1)
            yield bench


@dataclass(frozen=True)
class _Bench:
    where: Stack
    process: Measured
    api: KubeApi
    clock: Clock

    async def crowd(self, count: int, bare: list[float]) -> Crowd:
        """Trainings of different lengths: they begin all at once, and end one after the other."""
        self.clock.lengths = (_SHORTEST + (_LONGEST - _SHORTEST) * number / count for number in range(count))
        return Crowd(await self.batch("many", count, at_once=count), bare)

    async def batch(self, prefix: str, count: int, *, at_once: int) -> Batch:
        """Runs, ``at_once`` together and the next when these have succeeded; then what all have cost."""
        say(f"{prefix}: {count} runs, {at_once} at once")
        wall, before = time.time(), (self.process.cpu_seconds, self._answered())
        memory, runs = self.process.memory, manifests(prefix, count)
        names = [one["metadata"]["name"] for one in runs]
        for start in range(0, count, at_once):
            together = slice(start, start + at_once)
            await asyncio.gather(*(apply(self.api, self.clock, one) for one in runs[together]))
            await self.clock.until(lambda trial: trial.succeeded, names[together])
        say(f"{prefix}: all succeeded")
        await self.clock.until(lambda trial: trial.closed, names)
        await asyncio.sleep(_SETTLE_SECONDS)
        return Batch(
            [self.clock.runs[name] for name in names],
            requests(self.where.cluster.audit_log, OPERATOR, wall, time.time()),
            self._answered() - before[1] - Counter({kind: number * count for kind, number in CODE_REQUESTS.items()}),
            self.process.cpu_seconds - before[0],
            (memory, self.process.memory, self.process.peak_memory),
        )

    def _answered(self) -> Counter[str]:
        """Requests in MLflow's access log."""
        return Counter(_MLFLOW_REQUEST.findall(self.where.cluster.logs("mlflow")))
