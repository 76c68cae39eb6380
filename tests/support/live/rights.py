"""A role compared with the audit log of an API server, in both directions."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Right", "Rights", "complaints", "granted"]

Right = tuple[str, str, str]
"""API group, resource or resource/subresource, verb."""


@dataclass(frozen=True)
class Rights:
    """What was asked for, as an audit log tells it: ``used`` was allowed, ``refused`` was not."""

    used: set[Right] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    def take(self, event: dict[str, Any]) -> None:
        """One event. A server-side apply that creates is a ``patch`` for the log, and needs both rights."""
        code = event.get("responseStatus", {}).get("code")
        if code == 403:
            self.refused.add(f"{event['verb']} {event['requestURI']}")
        elif "resource" in (reference := event.get("objectRef", {})):
            names = (reference["resource"], reference.get("subresource"))
            resource = "/".join(name for name in names if name)
            verbs = {event["verb"], "create"} if (event["verb"], code) == ("patch", 201) else {event["verb"]}
            self.used.update((reference.get("apiGroup", ""), resource, verb) for verb in verbs)


def granted(role: dict[str, Any]) -> set[Right]:
    """The rules of a role, one right each."""
    rules = role["rules"]
    return {right for one in rules for right in itertools.product(one["apiGroups"], one["resources"], one["verbs"])}


def complaints(role: dict[str, Any], rights: Rights) -> list[str]:
    """What is wrong with a role: requests that it refused, rights that nobody used, and rights from elsewhere."""
    missing = [f"refused: {request}" for request in rights.refused]
    unused = [f"never used: {right}" for right in granted(role) - rights.used]
    elsewhere = [f"not in the role: {right}" for right in rights.used - granted(role)]
    return sorted([*missing, *unused, *elsewhere])
