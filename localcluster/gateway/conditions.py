"""What status should say. Pure: only what differs from what is written already is given back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from localcluster.kubeapi import Object

from .attachment import ROUTE_KINDS, Attachment, listener_problem
from .snapshot import CONTROLLER, Reason, Snapshot
from .translation import RouteVerdict

__all__ = ["StatusChange", "status_changes"]


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A status to merge into an object, if that still is the version we looked at."""

    resource: str
    item: Object
    status: Object


def status_changes(
    snapshot: Snapshot, verdicts: Sequence[RouteVerdict], *, address: str, time: str
) -> Iterator[StatusChange]:
    """Every status that has to be written, now that Envoy has the configuration."""
    counts = Counter(
        (attachment.gateway["metadata"]["uid"], listener)
        for verdict in verdicts
        if not verdict.unsupported
        for attachment in verdict.attachments
        for listener in attachment.listeners
    )
    wanted = [
        *(("gatewayclasses", item, _class_status(item, time)) for item in snapshot.own_classes()),
        *(("gateways", item, _gateway_status(item, counts, address, time)) for item in snapshot.own_gateways()),
        *((verdict.resource, verdict.route, _route_status(verdict, time)) for verdict in verdicts),
    ]
    for resource, item, status in wanted:
        before = item.get("status", {})
        if any(before.get(field, []) != value for field, value in status.items()):
            yield StatusChange(resource, item, status)


def _class_status(item: Object, time: str) -> Object:
    wanted = [("Accepted", None, "Accepted")]
    return {"conditions": _conditions(item, item.get("status", {}).get("conditions", ()), wanted, time)}


def _gateway_status(item: Object, counts: Counter[tuple[str, str]], address: str, time: str) -> Object:
    before = item.get("status", {})
    listeners = {listener["name"]: listener for listener in before.get("listeners", ())}
    bad = [listener["name"] for listener in item["spec"]["listeners"] if listener_problem(listener)]
    refused = Reason("ListenersNotValid", f"listeners not served: {', '.join(bad)}") if bad else None
    wanted = [("Accepted", refused, "Accepted"), ("Programmed", None, "Programmed")]
    return {
        "addresses": [{"type": "IPAddress", "value": address}],
        "conditions": _conditions(item, before.get("conditions", ()), wanted, time),
        "listeners": [
            _listener_status(item, listener, listeners.get(listener["name"], {}), counts, time)
            for listener in item["spec"]["listeners"]
        ],
    }


def _listener_status(
    gateway: Object, listener: Object, before: Object, counts: Counter[tuple[str, str]], time: str
) -> Object:
    problem = listener_problem(listener)
    invalid = Reason("Invalid", problem.message) if problem else None
    wanted = [
        ("Accepted", problem, "Accepted"),
        ("Programmed", invalid, "Programmed"),
        ("ResolvedRefs", None, "ResolvedRefs"),
    ]
    return {
        "name": listener["name"],
        "supportedKinds": [] if problem else ROUTE_KINDS,
        "attachedRoutes": counts[gateway["metadata"]["uid"], listener["name"]],
        "conditions": _conditions(gateway, before.get("conditions", ()), wanted, time),
    }


def _route_status(verdict: RouteVerdict, time: str) -> Object:
    """Entries of other controllers stay; ours are replaced."""
    before = verdict.route.get("status", {}).get("parents", [])
    others = [entry for entry in before if entry["controllerName"] != CONTROLLER]
    own = [_parent_status(verdict, attachment, before, time) for attachment in verdict.attachments]
    return {"parents": [*others, *own]}


def _parent_status(verdict: RouteVerdict, attachment: Attachment, before: Sequence[Object], time: str) -> Object:
    old: Object = next(
        (e for e in before if e["controllerName"] == CONTROLLER and e["parentRef"] == attachment.parent), {}
    )
    refused = attachment.refused or verdict.unsupported
    wanted = [
        ("Accepted", refused, "Accepted"),
        ("ResolvedRefs", next(iter(verdict.unresolved), None), "ResolvedRefs"),
    ]
    conditions = _conditions(verdict.route, old.get("conditions", ()), wanted, time)
    return {"parentRef": attachment.parent, "controllerName": CONTROLLER, "conditions": conditions}


def _conditions(
    item: Object, before: Sequence[Object], wanted: Sequence[tuple[str, Reason | None, str]], time: str
) -> list[Object]:
    """The wanted (type, problem, reason where there is none); a transition time changes with the status only."""
    old = {condition["type"]: condition for condition in before}
    conditions = []
    for kind, problem, reason in wanted:
        truth = "False" if problem else "True"
        same = old.get(kind, {}).get("status") == truth
        conditions.append(
            {
                "type": kind,
                "status": truth,
                "reason": problem.reason if problem else reason,
                "message": problem.message if problem else "",
                "observedGeneration": item["metadata"].get("generation", 1),
                "lastTransitionTime": old[kind]["lastTransitionTime"] if same else time,
            }
        )
    return conditions
