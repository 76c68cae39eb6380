"""What a pod is told about pairs, and what pods say to each other over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pandas as pd
import pytest
from prometheus_client import CollectorRegistry
from rollmodel.errors import Invalid
from rollmodel.serving.pairs.answers import Answers, current, question_of
from rollmodel.serving.pairs.collector import Collector
from rollmodel.serving.pairs.config import PairsConfig, Rule, configured
from rollmodel.serving.pairs.metrics import PairMetrics
from rollmodel.serving.pairs.start import Pairs
from rollmodel.serving.server.app import Readiness, ServerApp
from rollmodel.serving.server.metrics import ServerMetrics
from rollmodel.serving.server.scoring import Answer

from tests.unit.serving.pairs.conftest import counted


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
    assert [(labels["slice"], value) for labels, value in counted(registry, "pair_rows")] == [("gold", 20)]
    assert {labels["rule"]: value for labels, value in counted(registry, "pairs")} == {
        "differs": 20,
        silver.name: 0,
        gold.name: 20,
    }
