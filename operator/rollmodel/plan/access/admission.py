"""What the operator does not act upon, whatever the API server let in: it would lend its rights to the wrong people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from rollmodel.errors import Forbidden

__all__ = ["Admission"]


@dataclass(frozen=True, slots=True)
class Admission:
    """``forbidden`` namespaces are left alone: who makes pods there has the account of whatever runs there.

    ``hosts`` are patterns of host names by namespace, or pattern of namespaces; ``*`` and ``?`` stand for characters,
    ``{namespace}`` for its own name. Empty: a route may ask for any, and its Gateway decides. ``tolerations`` and
    ``priorities`` are patterns of the taints' keys that pods may tolerate, and of their priority classes. Empty: any.
    """

    forbidden: frozenset[str] = frozenset()
    hosts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    tolerations: Sequence[str] = ()
    priorities: Sequence[str] = ()

    def check(self, namespace: str, spec: Any) -> None:
        """Raises Forbidden where nothing may be done about an object with this spec."""
        if namespace in self.forbidden:
            raise Forbidden(
                f"the operator makes nothing in namespace {namespace!r}: use one of your own"
                " (ROLLMODEL_FORBIDDEN_NAMESPACES lists those that are left alone)",
                reason="NamespaceForbidden",
            )
        traffic = getattr(spec, "traffic", None)
        if traffic is not None and traffic.route_ref is None and self.hosts:
            self._check_hosts(namespace, traffic.hostnames or ["*"])
        for part in _pods(spec):
            for toleration in part.tolerations or ():
                key = (toleration if isinstance(toleration, Mapping) else toleration.to_wire()).get("key") or ""
                _check_scheduling("tolerations", key or "(every taint)", self.tolerations, "ROLLMODEL_TOLERATION_KEYS")
            if part.priority_class_name:
                name = part.priority_class_name
                _check_scheduling("priorityClassName", name, self.priorities, "ROLLMODEL_PRIORITY_CLASSES")

    def _check_hosts(self, namespace: str, asked: Sequence[str]) -> None:
        given = [
            pattern.replace("{namespace}", namespace)
            for whose, patterns in self.hosts.items()
            if fnmatchcase(namespace, whose)
            for pattern in patterns
        ]
        for host in asked:
            if not any(fnmatchcase(host, pattern) for pattern in given):
                name = "every host name of its Gateway" if host == "*" else f"host name {host!r}"
                raise Forbidden(
                    f"namespace {namespace!r} may not publish {name}. It is given: {', '.join(given) or 'none'}"
                    " (ROLLMODEL_HOSTS); name one of these in `traffic.hostnames`",
                    reason="HostForbidden",
                )


def _pods(spec: Any) -> Iterator[Any]:
    """What a spec says of its pods."""
    runtime = getattr(spec, "runtime", None)
    overlay = getattr(getattr(runtime, "pod_template", None), "spec", None)
    for part in (getattr(spec, "template", None), runtime, overlay):
        if part is not None:
            yield part


def _check_scheduling(field: str, asked: str, given: Sequence[str], setting: str) -> None:
    if given and not any(fnmatchcase(asked, pattern) for pattern in given):
        message = f"`{field}` may not name {asked}: allowed are {', '.join(given)} ({setting})"
        raise Forbidden(message, reason="SchedulingForbidden")
