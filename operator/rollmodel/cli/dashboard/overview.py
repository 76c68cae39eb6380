"""Everything on one page: what needs somebody comes first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rollmodel.api.modeldeployment import ModelDeploymentStatus
from rollmodel.cli.common.printing.rows import Row, row_of, status_of
from rollmodel.cli.dashboard.live import Live
from rollmodel.cli.dashboard.words import LEVELS, state
from rollmodel.errors import Invalid

__all__ = ["PLURALS", "Line", "Section", "Share", "href", "sections", "shares"]

#: Kind -> its part of the address.
PLURALS = {"ModelDeployment": "models", "TrainingJob": "trainings", "DriftPolicy": "policies"}

_TITLES = {"ModelDeployment": "Models", "TrainingJob": "Trainings", "DriftPolicy": "Drift policies"}
_EMPTY = {
    "ModelDeployment": "No ModelDeployment here.",
    "TrainingJob": "No TrainingJob here.",
    "DriftPolicy": "No DriftPolicy here.",
}
#: Headings, each with the part of a Row that it shows.
_COLUMNS = {
    "ModelDeployment": (("Step", "step"), ("Evidence", "metric"), ("To go", "eta"), ("Age", "age")),
    "TrainingJob": (
        ("Attempt", "attempt"),
        ("Step", "step"),
        ("Metric", "metric"),
        ("Done in", "eta"),
        ("Queue", "queue"),
        ("Gates", "gates"),
        ("Version", "version"),
        ("Age", "age"),
    ),
    "DriftPolicy": (("What changed", "metric"), ("Age", "age")),
}


@dataclass(frozen=True, slots=True)
class Share:
    """A revision's part of the traffic. ``role``: stable, candidate or retiring."""

    role: str
    name: str
    weight: int


@dataclass(frozen=True, slots=True)
class Line:
    """One object. ``cells`` in the order of the section's headings."""

    namespace: str
    name: str
    href: str
    level: str
    state: str
    message: str
    cells: Sequence[str] = ()
    shares: Sequence[Share] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """One kind. ``counts``: how many lines of each level, the worst first; ``problem``: why it may not be complete."""

    plural: str
    title: str
    headings: Sequence[str]
    lines: Sequence[Line]
    counts: Sequence[tuple[str, int]]
    empty: str
    problem: str = ""


def sections(live: Live, now: datetime) -> Sequence[Section]:
    """The three kinds."""
    return [_section(kind, live, now) for kind in PLURALS]


def href(manifest: Mapping[str, Any]) -> str:
    """The address of an object's page, below the token."""
    return f"{PLURALS[manifest['kind']]}/{manifest['metadata']['namespace']}/{manifest['metadata']['name']}"


def shares(status: ModelDeploymentStatus) -> Sequence[Share]:
    """Who has traffic, and who is being tried."""
    arms = [("stable", status.stable), ("candidate", status.candidate), ("baseline", status.baseline)]
    arms += [("retiring", arm) for arm in status.retiring]
    return [
        Share(role, f"v{arm.model_version}" if arm.model_version else arm.revision, arm.weight)
        for role, arm in arms
        if arm is not None and (arm.weight or role != "retiring")
    ]


def _section(kind: str, live: Live, now: datetime) -> Section:
    lines = [_line(manifest, now) for manifest in live.of_kind(kind)]
    columns = _COLUMNS[kind]
    # A column that nobody fills would only push the others apart.
    used = [any(line.cells[place] for line in lines if line.cells) for place in range(len(columns))]
    kept = [place for place, use in enumerate(used) if use]
    return Section(
        plural=PLURALS[kind],
        title=_TITLES[kind],
        headings=[columns[place][0] for place in kept],
        lines=[_only(line, kept) for line in sorted(lines, key=_order)],
        counts=[(level, count) for level in LEVELS if (count := sum(line.level == level for line in lines))],
        empty=_EMPTY[kind],
        problem=live.problems.get(kind, ""),
    )


def _order(line: Line) -> tuple[int, str, str]:
    return LEVELS.index(line.level), line.namespace, line.name


def _only(line: Line, places: Sequence[int]) -> Line:
    cells = [line.cells[place] if line.cells else "" for place in places]
    return Line(line.namespace, line.name, line.href, line.level, line.state, line.message, cells, line.shares)


def _line(manifest: Mapping[str, Any], now: datetime) -> Line:
    namespace, name = manifest["metadata"]["namespace"], manifest["metadata"]["name"]
    try:
        level, word, message = state(manifest)
        row = row_of(manifest, now)
        parts = shares(status_of(ModelDeploymentStatus, manifest)) if manifest["kind"] == "ModelDeployment" else ()
    except Invalid as error:
        return Line(namespace, name, href(manifest), "bad", "Unreadable", str(error))
    return Line(namespace, name, href(manifest), level, word, message, _cells(manifest["kind"], row), parts)


def _cells(kind: str, row: Row) -> Sequence[str]:
    return [str(getattr(row, part)) for _, part in _COLUMNS[kind]]
