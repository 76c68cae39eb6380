"""The other neighbours in memory: a registry, a Prometheus and a clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from rollmodel.errors import NotFound, RollmodelError
from rollmodel.plan.access.tenancy import not_yours
from rollmodel.ports.prometheus import Series
from rollmodel.ports.registry import Connection, Held, ModelVersion

__all__ = ["FixedClock", "InMemoryMetrics", "InMemoryRegistry", "quiet_pods", "version"]

_REVISIONS = re.compile(r'rollmodel_dev_revision=~"([^"]*)"')


def version(number: str, name: str = "churn") -> ModelVersion:
    """A version of a model."""
    return ModelVersion(name, number, f"models:/m-{number}", f"sha256:{number.zfill(64)}", 1024)


@dataclass
class FixedClock:
    """Time that moves when the test says so."""

    moment: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def forward(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


def quiet_pods(query: str, start: float, end: float) -> Sequence[Series]:
    """A pod of each revision that a query asks for, which is scraped and has counted nothing."""
    found = _REVISIONS.search(query)
    roles = [{"le": "0.1"}, {"le": "+Inf"}] if "_bucket" in query else [{"role": "bad"}, {"role": "total"}]
    return [
        Series({"pod": f"churn-{one}-0", "rollmodel_dev_revision": one, **role}, [(start, 0.0), (end, 0.0)])
        for one in (found.group(1).split("|") if found else ())
        for role in roles
    ]


@dataclass
class InMemoryMetrics:
    """Answers queries from a dict; an exception there is raised. ``asked`` records (query, start, end, step).

    ``otherwise`` answers what is not in the dict.
    """

    answers: dict[str, Sequence[Series] | RollmodelError] = field(default_factory=dict)
    otherwise: Callable[[str, float, float], Sequence[Series]] = quiet_pods
    asked: list[tuple[str, float, float, float]] = field(default_factory=list)

    async def query_range(self, query: str, *, start: float, end: float, step: float) -> Sequence[Series]:
        self.asked.append((query, start, end, step))
        answer = self.answers[query] if query in self.answers else self.otherwise(query, start, end)
        if isinstance(answer, RollmodelError):
            raise answer
        return answer


@dataclass
class _Handle:
    close: Callable[[], None]
    registry: InMemoryRegistry

    @property
    def read_at(self) -> float:
        return float("-inf") if self.registry.down else float("inf")


@dataclass
class InMemoryRegistry:
    """Model versions, aliases and tags. ``down`` is raised by every request while it is set."""

    versions: dict[tuple[str, str], ModelVersion] = field(default_factory=dict)
    aliases: dict[tuple[str, str], str] = field(default_factory=dict)
    tags: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    owners: dict[tuple[str, str], str] = field(default_factory=dict)
    down: RollmodelError | None = None
    followers: list[tuple[Connection, str, str]] = field(default_factory=list)
    asked_by: list[Connection] = field(default_factory=list)
    held: Held | None = None
    not_before: float = 0.0
    abandoned: list[Connection] = field(default_factory=list)
    _wakes: dict[int, tuple[str, str, Callable[[], None]]] = field(default_factory=dict)

    def publish(self, number: str, *aliases: str, name: str = "churn") -> None:
        """Register a version and point aliases to it."""
        self.versions[name, number] = version(number, name)
        for alias in aliases:
            self.move(alias, number, name=name)

    def move(self, alias: str, number: str, *, name: str = "churn") -> None:
        """Point an alias elsewhere, and wake who follows it."""
        self.aliases[name, alias] = number
        for followed, followed_alias, wake in list(self._wakes.values()):
            if (followed, followed_alias) == (name, alias):
                wake()

    async def resolve(
        self,
        connection: Connection,
        name: str,
        *,
        version: str | None,
        alias: str | None,
        held: Held | None = None,
        not_before: float = 0.0,
    ) -> ModelVersion:
        self.held, self.not_before = held, not_before
        self._ask(connection)
        number = self.aliases.get((name, alias)) if alias else version
        if number is None or (name, number) not in self.versions:
            raise NotFound(f"model {name!r} has no {alias or version!r}")
        found = self.versions[name, number]
        return replace(found, tags={**found.tags, **self.tags.get((name, number), {})})

    def follow(self, connection: Connection, name: str, alias: str, wake: Callable[[], None]) -> Any:
        key, topic = len(self._wakes) + 1, (connection, name, alias)
        self._wakes[key] = (name, alias, wake)
        self.followers.append(topic)

        def close() -> None:
            del self._wakes[key]
            self.followers.remove(topic)

        return _Handle(close, self)

    def abandon(self, connection: Connection) -> None:
        self.abandoned.append(connection)

    async def set_alias(
        self, connection: Connection, name: str, alias: str, version: str, *, owner: str | None = None
    ) -> None:
        self._ask(connection)
        self._exists(name, version)
        if owner is not None and (holder := self.owners.setdefault((name, alias), owner)) != owner:
            raise not_yours(f"alias {alias!r} of model {name!r}", holder, owner)
        self.aliases[name, alias] = version

    async def set_tags(self, connection: Connection, name: str, version: str, tags: Mapping[str, str]) -> None:
        self._ask(connection)
        self._exists(name, version)
        self.tags.setdefault((name, version), {}).update(tags)

    def _ask(self, connection: Connection) -> None:
        self.asked_by.append(connection)
        if self.down is not None:
            raise self.down

    def _exists(self, name: str, version: str) -> None:
        if (name, version) not in self.versions:
            raise NotFound(f"model {name!r} has no version {version}")
