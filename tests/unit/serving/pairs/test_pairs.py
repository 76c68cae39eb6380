"""Pairs: what is kept and compared, within which bounds, and what pods say to each other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from prometheus_client import CollectorRegistry
from rollmodel.errors import Invalid
from rollmodel.serving.pairs import collector as collecting
from rollmodel.serving.pairs import recent
from rollmodel.serving.pairs.answers import Answers, RowsOfRule, current, differing_rows, question_of, values_of
from rollmodel.serving.pairs.collector import Collector
from rollmodel.serving.pairs.config import PairsConfig, Rule, configured
from rollmodel.serving.pairs.metrics import MOST_SLICES, OTHER, PairMetrics
from rollmodel.serving.pairs.recent import RecentAnswers
from rollmodel.serving.pairs.start import Pairs
from rollmodel.serving.server.app import Readiness, ServerApp
from rollmodel.serving.server.metrics import ServerMetrics
from rollmodel.serving.server.scoring import Answer

CLASSES = Rule("differs")
COUNTERS = ("pairs", "pairs_differing")
CONFIG = PairsConfig("churn-pairs", 8080, "new", (CLASSES,))


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("answer", "values"),
    [
        (np.array([0, 1]), (0.0, 1.0)),
        (np.array([[0.8, 0.2], [0.1, 0.9]]), (0.2, 0.9)),
        (np.array([[0.1, 0.7, 0.2]]), (1.0,)),
        (["cat", "dog"], ("cat", "dog")),
        (pd.Series([True, False]), (1.0, 0.0)),
        (pd.DataFrame({"p": [0.5]}), (0.5,)),
        (3.5, (3.5,)),
        (np.array([np.nan]), ("nan",)),
        (range(100), tuple(float(i) for i in range(64))),
    ],
)
def test_a_value_for_each_row(answer: Any, values: Answers) -> None:
    assert values_of(answer) == values


@pytest.mark.parametrize(
    "answer",
    [{"a": 1}, [{"a": 1}], pd.DataFrame({"a": ["x"], "b": [1], "c": [None]}), [[1], [2, 3]], "x" * 100, [["a", "b"]]],
)
def test_what_is_no_number_is_the_same_where_it_is_the_same(answer: Any) -> None:
    assert values_of(answer) == values_of(answer)
    assert all(isinstance(value, str) and len(value) <= 64 for value in values_of(answer))
    assert values_of(answer) != values_of({"a": 2})


@pytest.mark.parametrize(
    ("rule", "ours", "theirs", "differ"),
    [
        (CLASSES, (0.0, 1.0), (0.0, 0.0), [False, True]),
        (CLASSES, ("cat",), ("dog",), [True]),
        (CLASSES, (1.0,), ("1",), [True]),
        (CLASSES, (1.0,), (1.0, 1.0), [True]),
        (Rule("r", differs_by=0.1), (0.5, 0.5), (0.55, 0.65), [False, True]),
        (Rule("r", threshold=0.5), (0.51, 0.9, 0.5), (0.5, 0.6, 0.1), [True, False, False]),
        (Rule("r", threshold=0.5), ("nan",), ("nan",), [False]),
    ],
)
def test_what_is_a_difference(rule: Rule, ours: Answers, theirs: Answers, differ: list[bool]) -> None:
    assert differing_rows(rule, ours, theirs) == differ


def test_a_question_is_its_body_and_its_type() -> None:
    first = question_of(b"1,2", b"text/csv")
    assert first == question_of(b"1,2", b"text/csv")
    assert len({first, question_of(b"1,3", b"text/csv"), question_of(b"1,2", b"application/json")}) == 3


def test_answers_are_kept_only_while_somebody_asks() -> None:
    clock = Clock()
    kept = RecentAnswers(clock)
    assert not kept.wanted()
    assert kept.ask(["q"]) == {}
    assert kept.wanted()
    kept.put("q", (1.0,))
    assert kept.ask(["q", "other"]) == {"q": (1.0,)}
    clock.now += recent.WANTED_SECONDS
    assert not kept.wanted()
    assert kept.ask(["q"]) == {}, "nothing is left of what was kept"


def test_answers_get_old() -> None:
    clock = Clock()
    kept = RecentAnswers(clock)
    kept.put("q", (1.0,))
    clock.now += recent.KEPT_SECONDS
    assert kept.ask(["q"]) == {}


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST_QUESTIONS", 3)
    monkeypatch.setattr(recent, "MOST_VALUES", 5)
    kept = RecentAnswers(Clock())
    for number in range(4):
        kept.put(str(number), (1.0,))
    assert list(kept.ask("0123")) == ["1", "2", "3"]
    kept.put("4", (1.0,) * 4)
    assert list(kept.ask("01234")) == ["3", "4"]


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
        self.registry, self.clock = CollectorRegistry(), Clock()
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
    found = {labels["slice"]: value for labels, value in _of(candidate.registry, "pair_rows")}
    assert found["gold"] == 30
    assert len(found) == MOST_SLICES + 1
    assert sum(found.values()) == 60
    differing = {labels["slice"]: value for labels, value in _of(candidate.registry, "pair_rows_differing")}
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


def _of(registry: CollectorRegistry, name: str) -> list[tuple[Mapping[str, str], float]]:
    samples = [sample for family in registry.collect() for sample in family.samples]
    return [(sample.labels, sample.value) for sample in samples if sample.name == f"rollmodel_server_{name}_total"]


def test_what_the_pod_is_told() -> None:
    gold = {"name": "differs;plan=gold", "only": {"feature": "plan", "value": "gold"}}
    rules = [{"name": "threshold=0.5", "threshold": "0.5", "sliceBy": "plan"}, gold]
    text = json.dumps({"service": "s", "port": 9, "revision": "r", "rules": rules})
    expected = (
        Rule("threshold=0.5", threshold=0.5, slice_by="plan"),
        Rule("differs;plan=gold", only=("plan", "gold")),
    )
    assert configured({"ROLLMODEL_PAIRS": text}) == PairsConfig("s", 9, "r", expected)
    assert configured({}) is None
    with pytest.raises(Invalid, match="cannot be understood"):
        configured({"ROLLMODEL_PAIRS": "{}"})


class Echo:
    """A scorer whose model answers the number in the body."""

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs

    def score(self, body: bytes, content_type: str) -> Answer:
        del content_type
        kept = self._pairs.before(pd.DataFrame({"plan": ["gold"]}))
        if kept is not None:
            self._pairs.after(kept, [float(body)])
        return Answer(200, body)


def served(pairs: Pairs) -> httpx.AsyncClient:
    app = ServerApp(
        Echo(pairs),  # type: ignore[arg-type]
        None,  # type: ignore[arg-type]
        ServerMetrics({"model_id": "m-1"}),
        Readiness(tried=True),
        timeout=5.0,
        max_bytes=1000,
        pairs=pairs,
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://model")


async def ask(http: httpx.AsyncClient, *questions: str) -> Any:
    return (await http.post("/pairs", json={"questions": questions})).json()


async def test_a_pod_tells_its_answer_to_those_who_know_the_question_and_only_after_they_asked() -> None:
    question = question_of(b"7", b"")
    async with served(Pairs(None, None)) as http:
        await http.post("/invocations", content="7")
        assert await ask(http, question) == {"revision": None, "answers": {}}
        await http.post("/invocations", content="7")
        assert await ask(http) == {"revision": None, "answers": {}}
        assert await ask(http, question, "0" * 32) == {"revision": None, "answers": {question: [7.0]}}
    assert current.get() is None


@pytest.mark.parametrize("body", [b"[]", b"{}", b"no", b'{"questions": 7}', json.dumps({"questions": ["a"] * 1001})])
async def test_what_is_no_question_is_refused(body: bytes) -> None:
    async with served(Pairs(None, None)) as http:
        assert (await http.post("/pairs", content=body)).status_code == 400


async def test_a_list_that_is_too_large_is_not_read() -> None:
    async with served(Pairs(None, None)) as http:
        assert (await http.post("/pairs", content=b" " * 70_000)).status_code == 413


async def test_two_pods_compare_over_http() -> None:
    """The candidate's collector asks a stable pod as it would over the network."""
    registry = CollectorRegistry()
    silver, gold = (Rule(f"differs;plan={plan}", only=("plan", plan)) for plan in ("silver", "gold"))
    config = PairsConfig("churn-pairs", 8080, "new", (Rule("differs", slice_by="plan"), silver, gold))
    stable = Pairs(None, None)

    def over_http(pod: str, port: int, questions: Sequence[str]) -> tuple[str | None, Mapping[str, Answers]]:
        del pod, port
        content = json.loads(stable.answered(json.dumps({"questions": questions}).encode()))
        return content["revision"], {one: tuple(values) for one, values in content["answers"].items()}

    collector = Collector(config, PairMetrics(config.rules, registry), find=lambda *_: ["a"], ask=over_http)
    collector.round()
    candidate = Pairs(config, collector)
    async with served(stable) as one, served(candidate) as other:
        for number in range(20):
            await one.post("/invocations", content=str(number))
            await other.post("/invocations", content=str(number))
    collector.round()
    assert registry.get_sample_value("rollmodel_server_pairs_total", {"rule": "differs"}) == 20
    assert registry.get_sample_value("rollmodel_server_pairs_differing_total", {"rule": "differs"}) == 0
    assert [(labels["slice"], value) for labels, value in _of(registry, "pair_rows")] == [("gold", 20)]
    assert {labels["rule"]: value for labels, value in _of(registry, "pairs")} == {
        "differs": 20,
        silver.name: 0,
        gold.name: 20,
    }
