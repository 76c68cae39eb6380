"""A split of the traffic: as it should be, and as it is observed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from rollmodel.plan.deployment.routers.match import RequestMatch

__all__ = ["ADDRESS_TAKEN", "Capabilities", "ObservedTraffic", "Split", "percentages", "weights_line"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a router can do.

    ``exact_weights``: it gives the percents that it is asked for, so that a wrong split is a fault.
    ``mirror``: it can copy requests; ``header_match``: it can choose a revision by a header.
    ``others_must_drain``: retired pods get traffic for as long as they exist, so a candidate waits for their end.
    ``revision_services``: it sends requests to a Service of each revision, which is there before it gets weight.
    """

    exact_weights: bool
    mirror: bool
    header_match: bool
    others_must_drain: bool
    revision_services: bool


@dataclass(frozen=True, slots=True)
class Split:
    """How the traffic should be split.

    ``weights`` are percents by revision that sum to 100; empty while nothing can answer for the first time.
    ``mirrored`` is the percent of all requests that a revision gets a copy of, by revision; its answers are dropped.
    ``main`` is the revision that clients of the main Service get while nothing else says so.
    ``matched``: a revision with a part of the traffic that gets just the requests that match; its weight is what they
    are expected to be.
    ``main_grpc_port``: where the pods of ``main`` speak gRPC, if that is what is routed.
    ``holding``: nobody can answer, and the holding page does: the main Service leads to it.
    ``pooled``: revisions that get their requests by an InferencePool, not by a Service.
    ``draining``: some pods of retired revisions may still exist.
    """

    main: str
    weights: Mapping[str, int]
    mirrored: Mapping[str, int] = field(default_factory=dict)
    draining: bool = False
    matched: Mapping[str, RequestMatch] = field(default_factory=dict)
    main_grpc_port: int | None = None
    holding: bool = False
    pooled: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ObservedTraffic:
    """How the traffic is split now.

    ``weights`` are percents by revision, a revision without traffic is absent; None while they are not known.
    ``generation`` is that of the object that they were read from, None where it has none.
    ``status``, ``reason`` and ``message`` make the condition TrafficProgrammed.
    """

    weights: Mapping[str, int] | None
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str
    needs_person: bool = False
    waits: bool = False
    """A controller has yet to answer."""
    generation: int | None = None


#: Reason where an older ModelDeployment has the address.
ADDRESS_TAKEN = "AddressTaken"


def percentages(parts: Mapping[str, int]) -> dict[str, int]:
    """Whole percents that sum to 100, by largest remainder; empty where all parts are 0."""
    total = sum(parts.values())
    exact = {key: 100 * part / total for key, part in parts.items() if part > 0}
    shares = {key: math.floor(value) for key, value in exact.items()}
    by_remainder = sorted(exact, key=lambda key: (shares[key] - exact[key], key))
    for key in by_remainder[: 100 - sum(shares.values())]:
        shares[key] += 1
    return {key: share for key, share in shares.items() if share}


def weights_line(weights: Mapping[str, int]) -> str:
    """The weights in one line for people."""
    return ", ".join(f"{revision} {weight} %" for revision, weight in sorted(weights.items())) or "nothing is ready"
