"""What the judge says of each rollout, and what was decided last, as series; they come from status alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rollmodel.plan.manifest import Manifest
from rollmodel.plan.times import parse

__all__ = ["VERDICTS", "EvidenceInstruments"]

#: What a metric may say of a candidate.
VERDICTS = ("Harmful", "ProvenSafe", "Undecided", "NoData", "Breached", "Passing")
#: A picture has no room for infinity.
_MOST = 300.0
_WHERE = ("namespace", "name")


@dataclass(frozen=True, slots=True)
class _Rollout:
    namespace: str
    name: str
    requests: int | None
    said: Sequence[tuple[str, str, float | None]]
    """Of each metric: its name, its verdict, log10 of its e-value."""
    decided: Mapping[str, float]
    """Verdict -> when it fell last, in unix seconds."""


class EvidenceInstruments(Collector):
    """Registers itself; :class:`rollmodel.runtime.metrics.operator.Instruments` has one."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._rollouts: dict[str, _Rollout] = {}
        registry.register(self)

    def on_pass(self, uid: str, after: Manifest) -> None:
        """A pass over a ModelDeployment ended."""
        status, meta = after.get("status", {}), after["metadata"]
        candidate = status.get("candidate")
        lines = status.get("evidence", ()) if candidate else ()
        self._rollouts[uid] = _Rollout(
            meta["namespace"],
            meta["name"],
            candidate.get("requests", 0) if candidate else None,
            [(line["metric"], line["verdict"], _log10(line.get("eValue"))) for line in lines],
            _last(status.get("history", ())),
        )

    def forget(self, uid: str) -> None:
        """The object is gone: so are its series."""
        self._rollouts.pop(uid, None)

    def collect(self) -> Iterator[Metric]:
        """Called by prometheus_client at each scrape."""
        evidence = GaugeMetricFamily(
            "rollmodel_evidence_log10_e_value",
            "Evidence that a candidate does harm, as decimal logarithm: 0 is none; a healthy one gets to 2 in 1 of 100"
            " rollouts at most.",
            labels=[*_WHERE, "metric"],
        )
        verdict = GaugeMetricFamily(
            "rollmodel_evidence_verdict",
            "1 for what a metric says of the candidate, else 0; absent without a candidate.",
            labels=[*_WHERE, "metric", "verdict"],
        )
        judged = GaugeMetricFamily(
            "rollmodel_judged_requests",
            "Requests of the candidate that were judged in the current step.",
            labels=_WHERE,
        )
        decided = GaugeMetricFamily(
            "rollmodel_last_decision_timestamp_seconds",
            "When such a decision fell last, in unix seconds.",
            labels=[*_WHERE, "verdict"],
        )
        for one in list(self._rollouts.values()):
            where = (one.namespace, one.name)
            for metric, said, e_value in one.said:
                if e_value is not None:
                    evidence.add_metric([*where, metric], e_value)
                for word in VERDICTS:
                    verdict.add_metric([*where, metric, word], float(word == said))
            if one.requests is not None:
                judged.add_metric(where, one.requests)
            for word, moment in one.decided.items():
                decided.add_metric([*where, word], moment)
        yield from (evidence, verdict, judged, decided)


def _last(history: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Verdict -> when it fell last. Times of one form are ordered as their texts are."""
    found: dict[str, str] = {}
    for entry in history:
        found[entry["verdict"]] = max(entry.get("time", ""), found.get(entry["verdict"], ""))
    return {verdict: parse(moment).timestamp() for verdict, moment in found.items() if moment}


def _log10(e_value: str | None) -> float | None:
    try:
        return min(_MOST, math.log10(float(e_value))) if e_value is not None else None
    except ValueError:  # 0, or a text of another release
        return None
