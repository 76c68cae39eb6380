"""The state of a judge and its written forms: small JSON with a version, whose size does not depend on the ticks, and
the same packed, as status keeps it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from rollmodel.evidence import counted, packed, sample_ratio
from rollmodel.evidence.core.arrays import from_plain, to_plain
from rollmodel.evidence.core.opinion import MetricJudge
from rollmodel.evidence.core.samples import NoEvidence, NoEvidenceReason
from rollmodel.evidence.core.types import JudgePlan, MetricPlan
from rollmodel.evidence.counted import Counted
from rollmodel.evidence.counts.judge import CountJudge
from rollmodel.evidence.latency.judge import LatencyJudge
from rollmodel.evidence.means.judge import MeanJudge
from rollmodel.evidence.paired.difference_judge import DifferenceJudge
from rollmodel.evidence.paired.judge import PairJudge
from rollmodel.evidence.sample_ratio import SampleRatioState
from rollmodel.evidence.value import ValueJudge

__all__ = ["METRIC_JUDGES", "JudgeState", "StateError", "dump", "load", "pack"]

#: Written into every state. A state of another version is refused, never guessed at.
VERSION = 2
#: Who judges which kind of metric.
METRIC_JUDGES: Mapping[str, type[CountJudge | LatencyJudge | MeanJudge | PairJudge | DifferenceJudge | ValueJudge]] = {
    "count": CountJudge,
    "latency": LatencyJudge,
    "mean": MeanJudge,
    "value": ValueJudge,
    "paired": PairJudge,
    "difference": DifferenceJudge,
}


class StateError(ValueError):
    """A text that is not a state of this version of the judge."""

    reason = NoEvidenceReason.STATE_VERSION


@dataclass(frozen=True, slots=True)
class JudgeState:
    """Everything that the judge knows: the frozen plan, the states of the metrics' judges, and what was proven.

    ``begun``, ``end`` and ``settled`` are unix seconds: the begin, the end of the last window, and since when the split
    of traffic has been what it is. ``harmful`` and ``breached`` name the metrics of a completed proof; ``notes``
    says why metrics gave nothing in the last window. ``counted``: the requests of the last minutes.
    """

    plan: JudgePlan
    begun: float
    end: float
    settled: float
    parts: tuple[MetricJudge, ...]
    share: SampleRatioState
    ticks: int = 0
    weight: float | None = None
    harmful: tuple[str, ...] = ()
    breached: tuple[str, ...] = ()
    notes: Mapping[str, NoEvidence] = field(default_factory=dict)
    counted: Counted = field(default_factory=Counted)


def dump(state: JudgeState) -> str:
    """The state as one line of JSON, numbers to 7 significant digits."""
    document = {
        "version": VERSION,
        "plan": _plain_plan(state.plan),
        "begun": state.begun,
        "end": state.end,
        "settled": state.settled,
        "ticks": state.ticks,
        "weight": state.weight,
        "harmful": state.harmful,
        "breached": state.breached,
        "notes": {name: [note.reason.value, note.message] for name, note in state.notes.items()},
        "parts": [part.plain() for part in state.parts],
        "share": to_plain(state.share),
    }
    if state.counted.minutes:
        document["counted"] = counted.to_plain(state.counted)
    return json.dumps(document, separators=(",", ":"), allow_nan=False)


def pack(state: JudgeState) -> str:
    """What :func:`dump` writes, packed: about half as long."""
    return packed.pack(dump(state))


def load(text: str) -> JudgeState:
    """The state that :func:`dump` or :func:`pack` wrote. Raises :class:`StateError` for anything else."""
    try:
        return _read(json.loads(packed.unpack(text)))
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise StateError(f"not a state of version {VERSION} of the judge: {error}") from error


def _read(document: Mapping[str, Any]) -> JudgeState:
    if document["version"] != VERSION:
        raise ValueError(f"it says version {document['version']!r}")
    plan = _read_plan(document["plan"])
    kinds = [kind for kind in METRIC_JUDGES if any(m.kind == kind for m in plan.metrics)]
    parts = [
        METRIC_JUDGES[kind].from_plain(plan, [m for m in plan.metrics if m.kind == kind], data)
        for kind, data in zip(kinds, document["parts"], strict=True)
    ]
    notes = {
        name: NoEvidence(NoEvidenceReason(reason), message) for name, (reason, message) in document["notes"].items()
    }
    return JudgeState(
        plan=plan,
        begun=float(document["begun"]),
        end=float(document["end"]),
        settled=float(document["settled"]),
        parts=tuple(parts),
        share=from_plain(sample_ratio.begin(), document["share"]),
        ticks=int(document["ticks"]),
        weight=document["weight"],
        harmful=tuple(document["harmful"]),
        breached=tuple(document["breached"]),
        notes=notes,
        counted=counted.from_plain(document.get("counted")),
    )


def _plain_plan(plan: JudgePlan) -> dict[str, Any]:
    """The plan without what equals a default."""
    return {**_changed(plan), "metrics": [_changed(m) for m in plan.metrics]}


def _changed(record: JudgePlan | MetricPlan) -> dict[str, Any]:
    return {f.name: getattr(record, f.name) for f in fields(record) if getattr(record, f.name) != f.default}


def _read_plan(data: Mapping[str, Any]) -> JudgePlan:
    metrics = tuple(MetricPlan(**m) for m in data["metrics"])
    return JudgePlan(**{**data, "metrics": metrics})
