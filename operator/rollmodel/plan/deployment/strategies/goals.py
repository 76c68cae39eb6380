"""What a strategy says about its steps, as data."""

from __future__ import annotations

from dataclasses import dataclass

from rollmodel.plan.deployment.routers.match import RequestMatch

__all__ = ["Comparison", "Goal", "Needs"]


@dataclass(frozen=True, slots=True)
class Goal:
    """What a candidate should get at a step, all in percent of all requests.

    ``weight`` is what it answers, as far as its ready pods can carry it. ``mirrored`` is what it gets a copy of beside
    that; nobody gets its answers to copies. Its pods are never fewer than ``sized_for`` takes.
    ``preview``: a Service with a name of its own leads to it. ``match``: it answers the requests that match, which
    are about ``weight`` percent; without it any.
    """

    weight: int
    mirrored: int = 0
    sized_for: int = 0
    preview: bool = False
    match: RequestMatch | None = None

    @property
    def asked(self) -> int:
        """Percent of all requests that its pods answer, for users or as copies."""
        return self.weight or self.mirrored


@dataclass(frozen=True, slots=True)
class Needs:
    """What a strategy needs: of the router to ``mirror``, to tell requests apart (``header_match``), ``exact_weights``.

    ``surge``: pods on top of those that serve; without them pods of the candidate take the places of others.
    """

    mirror: bool = False
    header_match: bool = False
    exact_weights: bool = False
    surge: bool = True


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whose requests are compared: two revisions. ``alone``: their requests differ, so only ceilings hold."""

    candidate: str
    stable: str
    alone: bool = False
