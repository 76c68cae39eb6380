"""Pairs are found on any pod, counted once, and bounded in number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry
from rollmodel.serving.pairs import collector as collecting
from rollmodel.serving.pairs.answers import Answers, RowsOfRule
from rollmodel.serving.pairs.collector import Collector
from rollmodel.serving.pairs.config import PairsConfig, Rule
from rollmodel.serving.pairs.metrics import MOST_SLICES, OTHER, PairMetrics

from tests.support.ticking import Ticking
from tests.unit.serving.pairs.conftest import CONFIG, counted

COUNTERS = ("pairs", "pairs_differing")


@dataclass
class Stable:
    """Pods of the stable revision: what each answered."""

    pods: dict[str, Mapping[str, Answers]] = field(default_factory=dict)
    revision: str | None = None
    asked: list[tuple[str, Sequence[str]]] = field(default_factory=list)

    def find(self, service: str, port: int) -> Sequence[str]:
        assert (service, port) == ("churn-pairs", 8080)
        return list(self.pods)

    def ask(self, pod: str, port: int, questions: Sequence[str]) -> tuple[str | None, Mapping[str, Answers]]:
        del port
        self.asked.append((pod, questions))
        if pod == "broken":
            raise ConnectionRefusedError
        return self.revision, {one: self.pods[pod][one] for one in questions if one in self.pods[pod]}


class Candidate:
    """A collector and what it counted."""

    def __init__(self, stable: Stable, config: PairsConfig = CONFIG) -> None:
        self.registry, self.clock = CollectorRegistry(), Ticking(1000.0)
        metrics = PairMetrics(config.rules, self.registry)
        self.collector = Collector(config, metrics, find=stable.find, ask=stable.ask, clock=self.clock)

    def answer(self, question: str, *answers: float, slices: Sequence[str] | None = None) -> None:
        self.collector.put(question, answers, [RowsOfRule(slices)])

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"rollmodel_server_{name}_total", labels)

    @property
    def pairs(self) -> tuple[float | None, float | None]:
        return self.value("pairs", rule="differs"), self.value("pairs_differing", rule="differs")


def test_pairs_are_found_on_any_pod_and_counted_once() -> None:
    stable = Stable({"a": {"q1": (1.0,)}, "b": {"q2": (0.0,), "q1": (1.0,)}})
    candidate = Candidate(stable)
    assert candidate.pairs == (0, 0), "the first one must be an increase"
    candidate.collector.round()
    candidate.answer("q1", 1.0)
    candidate.answer("q2", 1.0)
    candidate.collector.round()
    assert candidate.pairs == (2, 1)
    candidate.answer("q1", 0.0)
    candidate.collector.round()
    assert candidate.pairs == (2, 1)
    assert candidate.value("copies_unpaired", reason="repeated") == 1


def test_of_many_rows_the_part_that_differs_counts() -> None:
    candidate = Candidate(Stable({"a": {"q": (1.0, 0.0, 0.5, 2.0)}}))
    candidate.collector.round()
    candidate.answer("q", 1.0, 0.0, 1.5, 1.0)
    candidate.collector.round()
    assert candidate.pairs == (1, 0.5)
    assert candidate.value("pair_numbers") == 4
    assert candidate.value("pair_difference", sign="positive") == 1
    assert candidate.value("pair_difference", sign="negative") == 1


def test_the_other_half_may_come_later_but_not_for_ever() -> None:
    stable = Stable({"a": {}})
    candidate = Candidate(stable)
    candidate.collector.round()
    candidate.answer("q1", 1.0)
    candidate.answer("q2", 1.0)
    candidate.collector.round()
    assert candidate.pairs == (0, 0)
    stable.pods["a"] = {"q1": (1.0,)}
    candidate.collector.round()
    assert candidate.pairs == (1, 0)
    candidate.clock.now += collecting.WAITING_SECONDS
    candidate.collector.round()
    assert candidate.value("copies_unpaired", reason="not_found") == 1


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "WAITING", 2)
    candidate = Candidate(Stable({"a": {}}))
    for number in range(5):
        candidate.answer(str(number), 1.0)
    assert candidate.value("copies_unpaired", reason="too_many") == 3


def test_a_pod_that_is_away_stops_nobody() -> None:
    candidate = Candidate(Stable({"broken": {}, "b": {"q": (1.0,)}}))
    candidate.collector.round()
    candidate.answer("q", 1.0)
    candidate.collector.round()
    assert candidate.pairs == (1, 0)


def test_without_pods_it_rests_and_keeps_nothing() -> None:
    stable = Stable()
    candidate = Candidate(stable)
    assert candidate.collector.round() == collecting.IDLE_SECONDS
    assert not candidate.collector.active
    stable.pods["a"] = {}
    assert candidate.collector.round() == collecting.ROUND_SECONDS
    assert candidate.collector.active
    candidate.answer("q", 1.0)
    del stable.pods["a"]
    candidate.collector.round()
    stable.pods["a"] = {"q": (1.0,)}
    candidate.collector.round()
    assert candidate.pairs == (0, 0)


def test_a_revision_does_not_pair_with_itself() -> None:
    candidate = Candidate(Stable({"a": {"q": (1.0,)}}, revision="new"))
    assert candidate.collector.round() == collecting.IDLE_SECONDS
    assert not candidate.collector.active


def test_many_pods_are_asked_less_often() -> None:
    candidate = Candidate(Stable({str(number): {} for number in range(500)}))
    assert candidate.collector.round() == 10.0


def test_slices_are_counted_by_row_and_bounded() -> None:
    config = PairsConfig("churn-pairs", 8080, "new", (Rule("differs", slice_by="plan"),))
    candidate = Candidate(Stable({"a": {str(n): (1.0, 1.0) for n in range(30)}}), config)
    candidate.collector.round()
    for number in range(30):
        candidate.answer(str(number), 1.0, 0.0, slices=["gold", f"plan-{number}"])
    candidate.collector.round()
    found = {labels["slice"]: value for labels, value in counted(candidate.registry, "pair_rows")}
    assert found["gold"] == 30
    assert len(found) == MOST_SLICES + 1
    assert sum(found.values()) == 60
    differing = {labels["slice"]: value for labels, value in counted(candidate.registry, "pair_rows_differing")}
    assert (differing["gold"], differing[OTHER]) == (0, 30 - MOST_SLICES + 1)


def test_a_rule_may_be_about_one_slice() -> None:
    rule = Rule("differs;plan=gold", only=("plan", "gold"))
    registry = CollectorRegistry()
    metrics = PairMetrics([rule], registry)
    metrics.count((1.0, 1.0, 1.0), (0.0, 1.0, 0.0), [RowsOfRule(chosen=[True, True, False])])
    metrics.count((1.0,), (0.0,), [RowsOfRule(chosen=[False])])
    metrics.count((1.0,), (0.0,), [RowsOfRule(chosen=[])])
    found = [registry.get_sample_value(f"rollmodel_server_{name}_total", {"rule": rule.name}) for name in COUNTERS]
    assert found == [1, 0.5]
