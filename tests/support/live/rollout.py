"""One ModelDeployment on a real cluster: say something to it, wait until something is true of it, look around it."""

from __future__ import annotations

import asyncio
import json
import operator
import secrets
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rollmodel.api.base import GROUP
from rollmodel.api.conditions import Condition, find
from rollmodel.api.modeldeployment import HistoryEntry, ModelDeploymentStatus
from rollmodel.plan.naming import OWNER, REVISION

from tests.support.eventually import eventually
from tests.support.live.light_models import COMMAND
from tests.support.live.objects import Change, NamespaceObjects
from tests.support.live.said import messages_about

__all__ = ["Change", "LiveRollout", "Predicate", "at_rest", "light_spec", "together", "tried_at", "verdict"]

Predicate = Callable[[ModelDeploymentStatus], object]


def light_spec(name: str, version: str | None = None, *, alias: str | None = None, **changes: Any) -> Change:
    """A spec that serves a version, or an alias, of a light model, with short times. ``changes`` replace parts.

    Proof of harm comes fast, by the ceiling; proof of safety needs the ticks from which a judge without a past learns.
    """
    source = {"name": name, "version": version} if version else {"name": name, "alias": alias}
    limits = {"tolerance": {"absolute": "0.05"}, "safeTolerance": {"absolute": "0.3"}, "ceiling": "0.2"}
    return {
        "model": {"registry": source},
        "runtime": {"command": COMMAND},
        "rollout": {"steps": [{"weight": 50}], "warmUpSeconds": 0, "drainSeconds": 1, "deadlineSeconds": 180},
        "analysis": {"intervalSeconds": 1, "metrics": [{"name": "errors", "preset": "Errors", **limits}]},
        **changes,
    }


def at_rest(version: str) -> Predicate:
    """This version has all traffic and nothing else goes on."""

    def holds(status: ModelDeploymentStatus) -> bool:
        alone = status.candidate is None and not status.retiring and status.stable is not None
        return (
            alone
            and status.stable is not None
            and (status.stable.model_version, status.stable.weight) == (version, 100)
        )

    return holds


def tried_at(version: str, weight: int) -> Predicate:
    """This version is the candidate and was observed to have this weight."""
    return lambda status: (
        status.candidate is not None and (status.candidate.model_version, status.candidate.weight) == (version, weight)
    )


def verdict(version: str, word: str) -> Predicate:
    """The history says this about a version."""
    return lambda status: any((entry.to_version, entry.verdict) == (version, word) for entry in status.history)


async def together(stories: Iterable[Coroutine[Any, Any, object]]) -> None:
    """Let stories happen side by side; the first that fails ends all."""
    async with asyncio.TaskGroup() as tasks:
        for story in stories:
            tasks.create_task(story)


@dataclass(frozen=True)
class LiveRollout(NamespaceObjects):
    """One ModelDeployment, behind the Gateway ``public`` of its namespace unless its spec says otherwise."""

    name: str

    @property
    def host(self) -> str:
        """The host name that leads to it: no other object of the cluster has it."""
        return f"{self.name}.{self.namespace}.test"

    async def create(self, spec: Change, *, routed: bool = True) -> None:
        """Create it."""
        traffic = {"traffic": {"parentRefs": [{"name": "public"}], "hostnames": [self.host]}} if routed else {}
        await self.make("ModelDeployment", {"metadata": {"name": self.name}, "spec": {**spec, **traffic}})

    async def change(self, change: Change) -> Change:
        """Merge into the spec."""
        return await self.patch("ModelDeployment", self.name, {"spec": change})

    async def version(self, version: str) -> None:
        """Ask for another version of the model."""
        await self.change({"model": {"registry": {"version": version}}})

    async def command(self, verb: str, revision: str | None = None) -> None:
        """Say a command, about the candidate unless a revision is given."""
        if revision is None:
            candidate = (await self.status()).candidate
            assert candidate is not None
            revision = candidate.revision
        text = f"{verb} {revision} {secrets.token_hex(4)}"
        await self.patch("ModelDeployment", self.name, {"metadata": {"annotations": {f"{GROUP}/command": text}}})

    async def status(self) -> ModelDeploymentStatus:
        """The status as it is now."""
        body = await self.get("ModelDeployment", self.name)
        return ModelDeploymentStatus.model_validate((body or {}).get("status", {}))

    async def until(self, predicate: Predicate, what: str = "") -> ModelDeploymentStatus:
        """Wait until the status satisfies the predicate; the status."""
        return await eventually(self.status, predicate, f"{self.name} {what}", _shown)

    async def until_condition(self, kind: str, value: str, reason: str | None = None) -> Condition:
        """Wait for a condition; the condition."""

        def holds(status: ModelDeploymentStatus) -> bool:
            now = find(status.conditions, kind)
            return now is not None and now.status == value and reason in (None, now.reason)

        found = find((await self.until(holds, f"{kind}={value} {reason or ''}")).conditions, kind)
        assert found is not None
        return found

    async def until_gone(self, *kinds: str) -> None:
        """Wait until it has no child of these kinds, not even on its way out."""

        async def left() -> Sequence[Change]:
            return [one for kind in kinds for one in await self.list(kind, f"{OWNER}={self.name}")]

        await eventually(left, operator.not_, "all children are gone")

    async def delete(self, kind: str = "ModelDeployment", name: str | None = None) -> None:
        """Delete an object of the namespace: this one, unless said otherwise."""
        await super().delete(kind, name or self.name)

    async def until_absent(self, kind: str = "ModelDeployment", name: str | None = None) -> None:
        """Wait until an object is gone: this one, unless said otherwise."""
        await super().until_absent(kind, name or self.name)

    async def entry(self, version: str) -> HistoryEntry:
        """What the history says about a version, the last time."""
        return [entry for entry in (await self.status()).history if entry.to_version == version][-1]

    async def events(self) -> dict[str, str]:
        """Its Events: the last message by reason."""
        return messages_about(self.name, await self.list("Event"))

    async def until_event(self, reason: str, words: str) -> None:
        """Wait for an Event that says this."""
        await eventually(self.events, lambda events: words in events.get(reason, ""), f"Event {reason} {words}")

    async def children(self, kind: str) -> list[Change]:
        """Objects of a kind that carry its label and are not on their way out."""
        found = await self.list(kind, f"{OWNER}={self.name}")
        return [one for one in found if "deletionTimestamp" not in one["metadata"]]

    async def revisions(self, kind: str = "Deployment") -> set[str]:
        """The revisions that have a child of this kind."""
        return {one["metadata"]["labels"][REVISION] for one in await self.children(kind)}

    async def weights(self) -> dict[str, int]:
        """What the route says, by name of the Service."""
        route = await self.get("HTTPRoute", self.name)
        assert route is not None
        return {backend["name"]: backend["weight"] for backend in route["spec"]["rules"][0]["backendRefs"]}


def _shown(status: ModelDeploymentStatus) -> str:
    wire = status.to_wire()
    wire.pop("judge", None)
    return json.dumps(wire, indent=1)
