"""One decision while it is being carried out: what handlers need, and what they report."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from rollmodel.errors import Conflict
from rollmodel.plan.decision import Effect, Ref
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.problem import Problem
from rollmodel.ports.registry import Connection

__all__ = ["Connect", "ExecutionState", "Handler", "Refusal"]

#: Gives the registry of the object.
Connect = Callable[[], Awaitable[Connection]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An effect that a neighbour did not accept. ``about`` names its target, the same in every pass."""

    about: str
    message: str
    transient: bool


@dataclass(slots=True)
class ExecutionState:
    """``body`` is the object as it now is; ``began`` is when the acting did (``time.monotonic``).

    ``done`` are the effects that were carried out, ``failed`` the addresses that could not be applied; ``conflict``
    says that one of them changed meanwhile. ``settled`` are keys of the outbox that need no further try. ``untracked``
    is why a tracking write failed; ``login_refused``: the registry does not accept the login; ``retries`` are seconds
    until something should be tried again.
    """

    body: Manifest
    connect: Connect
    began: float
    done: list[Effect] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    failed: set[Ref] = field(default_factory=set)
    repairs: frozenset[Ref] = frozenset()
    """Children that somebody else changed."""
    changed: set[Ref] = field(default_factory=set)
    """Children that applying them changed."""
    conflict: Conflict | None = None
    writing_since: float | None = None
    """When the first write to the registry began."""
    settled: set[str] = field(default_factory=set)
    untracked: Problem | None = None
    login_refused: bool = False
    retries: list[float] = field(default_factory=list)
    said: set[str] = field(default_factory=set)
    """Failures that were told in an Event already."""


#: Carries out one effect and deals with its failure. Raises only what ends the whole pass.
Handler = Callable[[Any, ExecutionState], Awaitable[None]]
