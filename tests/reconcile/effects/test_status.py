"""CRDs that are older than the operator drop fields of a status: it is written once, and the loss is told once."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.plan.decision import Decision

from tests.support.inmemory.kube import InMemoryKube


async def test_a_status_that_is_not_kept_as_a_whole_is_written_once(
    kube: InMemoryKube, body: dict[str, Any], execute: Any, caplog: pytest.LogCaptureFixture
) -> None:
    kube.unknown_status = {"records"}
    decision = Decision({"replicas": 1, "records": [{"revision": "abc"}]})
    first = await execute(body, decision)
    assert (first.wrote, first.body["status"]) == (True, {"replicas": 1})
    kube.writes.clear()
    again = await execute(first.body, decision)
    assert (again.wrote, kube.writes) == (False, [])
    lost = "ModelDeployment default/churn: the API server does not keep status.records: apply the CRDs of this release"
    assert [record.message for record in caplog.records] == [lost]


async def test_another_status_or_somebody_elses_change_is_written(
    kube: InMemoryKube, body: dict[str, Any], execute: Any
) -> None:
    kube.unknown_status = {"records"}
    first = await execute(body, Decision({"replicas": 1, "records": []}))
    other = await execute(first.body, Decision({"replicas": 2, "records": []}))
    assert (other.wrote, other.body["status"]) == (True, {"replicas": 2})
    edited = {**other.body, "status": {"replicas": 7}}
    assert (await execute(edited, Decision({"replicas": 2, "records": []}))).body["status"] == {"replicas": 2}


async def test_once_the_crds_are_newer_all_is_kept(kube: InMemoryKube, body: dict[str, Any], execute: Any) -> None:
    kube.unknown_status = {"records"}
    status = {"replicas": 1, "records": []}
    first = await execute(body, Decision(status))
    kube.unknown_status = set()
    later = await execute(first.body, Decision({**status, "replicas": 2}))
    assert later.body["status"] == {"replicas": 2, "records": []}
