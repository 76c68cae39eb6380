"""An answer of very many points is computed beside the event loop: passes of others go on in the meantime."""

from __future__ import annotations

import asyncio
import threading

from rollmodel.adapters.compute import ComputeThreads
from rollmodel.plan.decision import Decision
from rollmodel.plan.deployment.analysis.signals.signal import MetricQuery
from rollmodel.plan.deployment.observed import Observed
from rollmodel.ports.prometheus import Series
from rollmodel.reconcile.compute import LARGE

from tests.reconcile.conftest import Bench

PATIENCE = 10.0


def ask(observed: Observed) -> dict[str, MetricQuery]:
    """Only the object ``huge`` asks for much."""
    return {"all": MetricQuery("all", 0.0, 10.0, 1.0)} if observed.name == "huge" else {}


async def test_others_have_their_passes_while_it_is_computed(bench: Bench) -> None:
    begun, another = threading.Event(), threading.Event()
    waited = []

    def decide(observed: Observed) -> Decision:
        if observed.name == "huge":
            begun.set()
            waited.append(another.wait(PATIENCE))
        return Decision({})

    bench.metrics.answers["all"] = [Series({"pod": "p"}, [(float(tick), 0.0) for tick in range(LARGE)])]
    compute = ComputeThreads()
    operator = bench.operator(decide=decide, queries=ask, compute=compute)
    huge, honest = bench.create(name="huge"), bench.create(name="honest")
    computing = asyncio.create_task(bench.a_pass(operator, huge))
    assert await asyncio.to_thread(begun.wait, PATIENCE)
    await bench.a_pass(operator, honest)
    another.set()
    await computing
    compute.close()
    assert waited == [True]


async def test_few_points_are_worth_no_thread(bench: Bench) -> None:
    where = []

    def decide(observed: Observed) -> Decision:
        where.append(threading.get_ident())
        return Decision({})

    bench.metrics.answers["all"] = [Series({"pod": "p"}, [(0.0, 0.0)])]
    compute = ComputeThreads()
    await bench.a_pass(bench.operator(decide=decide, queries=ask, compute=compute), bench.create(name="huge"))
    compute.close()
    assert where == [threading.get_ident()]
