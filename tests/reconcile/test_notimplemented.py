"""Kinds that are not acted upon say so, once."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.plan.decision import Ref
from rollmodel.reconcile.connections import Connections
from rollmodel.reconcile.execute import Executor
from rollmodel.reconcile.not_implemented import not_implemented
from rollmodel.reconcile.reconciler import Parts, reconciler_of
from rollmodel.reconcile.references import References
from rollmodel.reconcile.result import Reconciler
from rollmodel.reconcile.stalled import Outcome

from tests.support.inmemory.kube import InMemoryKube
from tests.support.inmemory.neighbours import FixedClock, InMemoryRegistry


@pytest.fixture
def kube() -> InMemoryKube:
    return InMemoryKube()


def reconciler(kube: InMemoryKube, outcome: Outcome) -> Reconciler:
    kind = not_implemented("things", FixedClock(), outcome=outcome)
    connections = Connections(kube, default=None, read_secrets=False)
    parts = Parts(Executor(kube, InMemoryRegistry()), connections, References(lambda uid: None), FixedClock())
    return reconciler_of(kind, parts)


def thing(kind: str) -> dict[str, Any]:
    metadata = {"name": "it", "namespace": "team"}
    return {"apiVersion": "rollmodel.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": {}}


@pytest.mark.parametrize(("kind", "unknown"), [("TrainingJob", "Succeeded"), ("DriftPolicy", "Ready")])
async def test_it_is_said_once(kube: InMemoryKube, kind: str, unknown: Outcome) -> None:
    operator = reconciler(kube, unknown)
    first = await operator.reconcile(kube.create(thing(kind)))
    assert first.wrote
    status = first.body["status"]
    assert status["observedGeneration"] == 1
    conditions = {one["type"]: (one["status"], one["reason"]) for one in status["conditions"]}
    assert conditions == {"Stalled": ("True", "NotImplemented"), unknown: ("Unknown", "NotImplemented")}
    assert kind in status["conditions"][0]["message"]

    second = await operator.reconcile(first.body)
    assert not second.wrote
    assert len(kube.writes) == 1


async def test_it_is_said_again_for_a_new_spec(kube: InMemoryKube) -> None:
    operator = reconciler(kube, "Ready")
    ref = Ref.of(kube.create(thing("DriftPolicy")))
    await operator.reconcile(kube.objects[ref])
    kube.edit(ref, lambda obj: obj["spec"].update(new="field"))
    result = await operator.reconcile(kube.objects[ref])
    assert result.body["status"]["observedGeneration"] == 2
