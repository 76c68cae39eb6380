"""What a ModelDeployment needs around it: its Gateway, and metrics of its pods in Prometheus."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from rollmodel.api.modeldeployment import ModelDeploymentSpec, ModelDeploymentStatus, ParentRef
from rollmodel.cli.doctor.check import Check, bad, fine, unknown, warn
from rollmodel.cli.doctor.installed import Ask
from rollmodel.errors import Invalid, NotFound, RollmodelError
from rollmodel.plan import naming
from rollmodel.plan.deployment.analysis.missing.arrival import window_seconds
from rollmodel.plan.deployment.analysis.promql import OWNER_LABEL, REVISION_LABEL, scope
from rollmodel.plan.deployment.analysis.signals import promql
from rollmodel.ports.prometheus import Metrics, Series

__all__ = ["gateways", "judged_gateway", "judged_scrapes", "metrics", "route", "scrapes"]

_GATEWAYS = "/apis/gateway.networking.k8s.io/v1/namespaces/{}/gateways/{}"
#: How far back samples are looked for, and in which steps, in seconds.
_BACK, _STEP = 600.0, 5.0
_DELAY = 5.0
_UP = "{{{}}}"


async def gateways(ask: Ask, namespace: str, name: str, spec: ModelDeploymentSpec) -> list[Check]:
    """Whether each Gateway that the model names is there, works, and takes routes of this namespace."""
    if spec.traffic is None:
        return [fine(f"{name}: traffic", "split by the number of pods; no Gateway is named")]
    return [await _gateway(ask, namespace, name, parent) for parent in spec.traffic.gateways]


def route(name: str, manifest: Mapping[str, Any]) -> list[Check]:
    """What the Gateways' controllers say about the route, as the operator has read it."""
    conditions = (manifest.get("status") or {}).get("conditions") or ()
    found = next((one for one in conditions if one.get("type") == "TrafficProgrammed"), None)
    if found is None or found.get("status") != "False":
        return []
    message = f"{found.get('reason')}: {found.get('message')}"
    return [bad(f"{name}: HTTPRoute", message, "docs/reference/conditions.md says what to do")]


async def _gateway(ask: Ask, namespace: str, name: str, parent: ParentRef) -> Check:
    place = parent.namespace or namespace
    subject = f"{name}: Gateway {place}/{parent.name}"
    try:
        found = await ask("GET", _GATEWAYS.format(place, parent.name))
    except NotFound:
        return bad(subject, "is not there", "create it, or correct spec.traffic.parentRefs (name, namespace)")
    except RollmodelError as error:
        return unknown(subject, error)
    return judged_gateway(subject, found, parent, namespace)


def judged_gateway(subject: str, found: Mapping[str, Any], parent: ParentRef, namespace: str) -> Check:
    """What a Gateway's spec and status say about routes of this namespace."""
    conditions = {one.get("type"): one for one in (found.get("status") or {}).get("conditions") or ()}
    for kind in ("Accepted", "Programmed"):
        one = conditions.get(kind)
        if one is None:
            return bad(subject, f"no controller has said {kind}", "does its gatewayClassName have a controller?")
        if one.get("status") != "True":
            said = one.get("message") or one.get("reason")
            return bad(subject, f"{kind} is {one.get('status')}: {said}", "mend the Gateway")
    listeners = [
        one
        for one in (found.get("spec") or {}).get("listeners") or ()
        if parent.section_name in (None, one.get("name"))
    ]
    if not listeners:
        return bad(
            subject, f"has no listener {parent.section_name!r}", "correct sectionName in spec.traffic.parentRefs"
        )
    same = (found.get("metadata") or {}).get("namespace") == namespace
    froms = {((one.get("allowedRoutes") or {}).get("namespaces") or {}).get("from", "Same") for one in listeners}
    if not same and froms == {"Same"}:
        return bad(
            subject, f"takes no routes of namespace {namespace}", "allowedRoutes.namespaces.from: All or Selector"
        )
    if not same and "All" not in froms:
        return warn(subject, f"takes routes of chosen namespaces only; is {namespace} one?", "see its allowedRoutes")
    return fine(subject, "works, and takes routes of this namespace")


async def scrapes(
    source: Metrics, namespace: str, name: str, manifest: Mapping[str, Any], *, now: float, cluster: str
) -> list[Check]:
    """Whether Prometheus scrapes the pods of the stable revision, with our labels, how often, and how late."""
    spec, revision = _read(manifest)
    subject = f"{name}: scrapes"
    if revision is None:
        return [warn(subject, "nothing serves yet", "ask again when a first revision does")]
    pods = f'pod=~"{naming.child(name, revision)}-.+"'
    matchers = ",".join(one for one in (cluster, f'namespace="{namespace}"', pods) if one)
    query = f"timestamp(up{_UP.format(matchers)})"
    end = math.floor(now / _STEP) * _STEP
    try:
        found = await source.query_range(query, start=end - _BACK, end=end, step=_STEP)
    except RollmodelError as error:
        return [unknown("Prometheus", error, "is --prometheus the address that ROLLMODEL_PROMETHEUS_URL should have?")]
    return [fine("Prometheus", "answers"), *judged_scrapes(subject, found, spec, now=now)]


def judged_scrapes(subject: str, found: Sequence[Series], spec: ModelDeploymentSpec, *, now: float) -> list[Check]:
    """What the times of samples tell; values are the times themselves."""
    if not found:
        advice = "a PodMonitor (or scrape configuration) must select the pods: config/examples/podmonitor.yaml"
        return [bad(subject, "Prometheus has no target for the stable revision's pods", advice)]
    missing = [label for label in (OWNER_LABEL, REVISION_LABEL) if not any(label in one.labels for one in found)]
    if missing:
        advice = "`podTargetLabels` of the PodMonitor, or a labelmap, must pass on the pods' labels"
        return [bad(subject, f"series lack {' and '.join(missing)}", advice)]
    times = [sorted({value for _, value in one.points}) for one in found]
    gaps = [b - a for one in times for a, b in pairwise(one)]
    newest = max((one[-1] for one in times if one), default=None)
    if newest is None or not gaps:
        return [warn(subject, f"{len(found)} pods; too few samples to tell how often", "ask again in a few minutes")]
    interval, age = median(gaps), now - newest
    return [_interval(subject, len(found), interval, spec), _lag(subject, age, interval)]


def _interval(subject: str, pods: int, interval: float, spec: ModelDeploymentSpec) -> Check:
    wanted = float(spec.analysis.interval_seconds)
    window = window_seconds(wanted, interval)
    message = f"{pods} pods every {interval:.3g} s"
    if window <= wanted:
        return fine(subject, message)
    advice = f"scrape every {wanted:g} s, or accept that decisions take longer (`rollmodel lint --rps`)"
    return warn(subject, f"{message}: windows of {window:g} s instead of {wanted:g} s", advice)


def _lag(subject: str, age: float, interval: float) -> Check:
    if age <= interval + _DELAY + _STEP:
        return fine(subject, f"the newest sample is {max(0.0, age):.0f} s old")
    advice = f"set ROLLMODEL_PROMETHEUS_DELAY_SECONDS to {math.ceil(age - interval + _DELAY)}"
    return warn(subject, f"the newest sample is {age:.0f} s old: samples come late", advice)


async def metrics(
    source: Metrics, namespace: str, name: str, manifest: Mapping[str, Any], *, now: float, cluster: str
) -> list[Check]:
    """Whether each metric of the analysis has series of the stable revision, by the operator's own query."""
    spec, revision = _read(manifest)
    checks = []
    for metric in spec.analysis.metrics if revision is not None else ():
        subject = f"{name}: metric {metric.name}"
        if metric.paired is not None:
            checks.append(fine(subject, "counted by the pods of a candidate while requests are copied"))
            continue
        words = scope(
            namespace,
            name,
            stable=str(revision),
            candidate=None,
            interval_seconds=spec.analysis.interval_seconds,
            cluster=cluster,
        )
        end = math.floor(now / _STEP) * _STEP
        try:
            query = promql(metric, spec.runtime, words)
            found = await source.query_range(query, start=end - _BACK, end=end, step=60.0)
        except Invalid as error:
            checks.append(bad(subject, str(error), "correct the query in spec.analysis.metrics"))
        except RollmodelError as error:
            checks.append(unknown(subject, error))
        else:
            checks.append(_series(subject, found, query))
    return checks


def _series(subject: str, found: Sequence[Series], query: str) -> Check:
    if found:
        return fine(subject, f"{len(found)} series of the stable revision")
    advice = f"has it answered a request yet? The query was: {query}"
    return bad(subject, "no series of the stable revision: no candidate begins", advice)


def _read(manifest: Mapping[str, Any]) -> tuple[ModelDeploymentSpec, str | None]:
    status = ModelDeploymentStatus.model_validate(manifest.get("status") or {})
    return ModelDeploymentSpec.model_validate(manifest["spec"]), status.stable.revision if status.stable else None
