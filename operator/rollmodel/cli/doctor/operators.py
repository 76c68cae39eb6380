"""Which operator works in a namespace: that there is one, and only one, that it leads, and which version it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rollmodel import __version__
from rollmodel.cli.doctor.check import Check, bad, fine, unknown, warn
from rollmodel.cli.doctor.installed import Ask
from rollmodel.errors import NotFound, RollmodelError
from rollmodel.plan.operators.deployments import SELECTOR, InstalledOperator
from rollmodel.plan.operators.sharding import LABEL, shard_of

__all__ = ["operators"]

_INSTALL = (
    "install the operator (README), or say where it is with --operator-namespace; one outside the cluster, as that of"
    " `make operator`, cannot be seen"
)
_NO_LEASE = "is not there: no operator has ever led"
#: A leader that has not renewed for so many times its Lease's duration is gone.
_GONE = 2


async def operators(ask: Ask, installed_in: str, namespace: str, now: datetime) -> list[Check]:
    """Of ``namespace``. Who may not list the Deployments of the whole cluster sees those of ``installed_in``."""
    try:
        deployments = await _deployments(ask, installed_in)
    except RollmodelError as error:
        return [await _leader(ask, installed_in, "rollmodel", now), unknown(f"Deployment in {installed_in}", error)]
    if not deployments:
        return [await _leader(ask, installed_in, "rollmodel", now)]
    labels = await _labels(ask, namespace)
    known = [(InstalledOperator.of(one), one) for one in deployments]
    ours = [(one, deployment) for one, deployment in known if one.works_in(namespace, labels)]
    checks = _who_works(namespace, labels, [one for one, _ in known], [one for one, _ in ours])
    for one, deployment in ours:
        found = _deployment(deployment)
        leader = await _leader(ask, one.namespace, one.lease or "rollmodel", now)
        if leader.message == _NO_LEASE and found.level == "ok" and one.lease is None:
            leader = warn(leader.subject, "is not there: leader election is off", "ROLLMODEL_LEADER_ELECTION=On")
        checks += [leader, found]
    return checks


async def _deployments(ask: Ask, installed_in: str) -> Sequence[Mapping[str, Any]]:
    query = {"labelSelector": SELECTOR}
    try:
        found = await ask("GET", "/apis/apps/v1/deployments", query=query)
    except RollmodelError:
        found = await ask("GET", f"/apis/apps/v1/namespaces/{installed_in}/deployments", query=query)
    return list(found.get("items") or ())


async def _labels(ask: Ask, namespace: str) -> Mapping[str, str]:
    """None where they cannot be seen: most namespaces have no label that matters here."""
    try:
        found = await ask("GET", f"/api/v1/namespaces/{namespace}")
    except RollmodelError:
        return {}
    return (found.get("metadata") or {}).get("labels") or {}


def _who_works(
    namespace: str, labels: Mapping[str, str], known: Sequence[InstalledOperator], ours: Sequence[InstalledOperator]
) -> list[Check]:
    """Whether it is one operator, where that is not plain."""
    subject = f"operator of {namespace}"
    awake = [one for one in ours if one.replicas]
    if len(awake) > 1:
        message = f"{len(awake)} operators work in it: {', '.join(map(str, awake))}"
        return [bad(subject, message, "give each watch.namespaces or watch.shard of its own, or uninstall one")]
    if ours:
        return []
    shards = sorted({one.shard for one in known if one.shard is not None})
    if shards:
        message = f"nobody works for its shard, {shard_of(labels)}; there are {', '.join(shards)}"
        return [bad(subject, message, f"kubectl label namespace {namespace} {LABEL}=... --overwrite")]
    return [bad(subject, "no operator works in it", "add it to watch.namespaces of the chart")]


async def _leader(ask: Ask, namespace: str, name: str, now: datetime) -> Check:
    subject = f"Lease {name} in {namespace}"
    try:
        lease = await ask("GET", f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}")
    except NotFound:
        return bad(subject, _NO_LEASE, _INSTALL)
    except RollmodelError as error:
        return unknown(subject, error)
    spec = lease.get("spec") or {}
    holder, renewed = spec.get("holderIdentity"), spec.get("renewTime")
    advice = f"look at the operator's pods: kubectl -n {namespace} get pods"
    if not holder or not renewed:
        return bad(subject, "nobody leads", advice)
    age = (now - datetime.fromisoformat(renewed)).total_seconds()
    if age > _GONE * (spec.get("leaseDurationSeconds") or 15):
        return bad(subject, f"{holder} led until {age:.0f} s ago", advice)
    return fine(subject, f"{holder} leads, seen {max(0.0, age):.0f} s ago")


def _deployment(found: Mapping[str, Any]) -> Check:
    metadata, status = found["metadata"], found.get("status") or {}
    subject = f"Deployment {metadata['name']}"
    ready, wanted = status.get("readyReplicas") or 0, (found.get("spec") or {}).get("replicas", 1)
    version = (metadata.get("labels") or {}).get("app.kubernetes.io/version")
    if not ready:
        advice = f"kubectl -n {metadata['namespace']} describe pods -l app.kubernetes.io/name=rollmodel"
        return bad(subject, f"0 of {wanted} pods ready", advice)
    if version != __version__:
        message = f"{ready} of {wanted} pods ready, of version {version}; this command is {__version__}"
        return warn(subject, message, "use the command of the operator's version")
    return fine(subject, f"{ready} of {wanted} pods ready, version {version}")
