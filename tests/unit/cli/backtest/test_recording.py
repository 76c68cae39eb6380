"""A rollout read back from Prometheus: the operator's queries and judge, and the operator's own answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from rollmodel.cli.backtest import command
from rollmodel.cli.backtest.recording import Pair, read
from rollmodel.cli.common import prometheus
from rollmodel.errors import Invalid, Untrustworthy
from rollmodel.evidence import judge
from rollmodel.plan.deployment.analysis.policy import judge_plan
from rollmodel.plan.deployment.analysis.signals.signal import MetricQuery
from rollmodel.plan.problem import Problem
from rollmodel.ports.prometheus import Series

from tests.support.simulation.rollouts import Cluster


class Remembered:
    """The metrics of a cluster in memory."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.asked = cluster, 0

    async def query_range(self, query: str, *, start: float, end: float, step: float) -> Sequence[Series]:
        self.asked += 1
        answer = self.cluster._answer(MetricQuery(query, start, end, step))
        assert not isinstance(answer, Problem)
        return [Series(labels, points) for labels, points in answer.series]


def going_on(cluster: Cluster) -> tuple[Pair, judge.JudgeState]:
    status = cluster.status
    pair = Pair(
        "prod", "churn", status["stable"]["revision"], status["candidate"]["revision"], cluster.baseline or None
    )
    return pair, judge.load(status["judge"])


async def test_it_judges_as_the_operator_did(trying: Callable[[float], Cluster]) -> None:
    cluster = trying(0.05)
    pair, state = going_on(cluster)
    metrics = Remembered(cluster)
    recording = await read(cluster.spec, state.plan, pair, metrics, start=state.begun, end=state.end)
    moments = recording.play()
    assert metrics.asked == 2
    assert moments[-1].window.end == state.end
    own, theirs = moments[-1].assessment.metrics[0], judge.assess(state).metrics[0]
    assert own.na == theirs.na
    assert own.kb == theirs.kb
    assert own.e_safe == pytest.approx(theirs.e_safe, rel=1e-3)
    assert moments[-1].share == pytest.approx(0.1, abs=0.01)


async def test_beside_a_baseline_it_judges_as_the_operator_did(trying_beside_a_baseline: Cluster) -> None:
    """The past is that of stable, and what is compared are the fresh pods."""
    cluster = trying_beside_a_baseline
    pair, state = going_on(cluster)
    recording = await read(cluster.spec, state.plan, pair, Remembered(cluster), start=state.begun, end=state.end)
    moments = recording.play()
    own, theirs = moments[-1].assessment.metrics[0], judge.assess(state).metrics[0]
    assert (own.na, own.nb, own.learning) == (theirs.na, theirs.nb, None)
    assert own.e_safe == pytest.approx(theirs.e_safe, rel=1e-3)
    assert moments[-1].share == pytest.approx(0.5, abs=0.01)


async def test_a_mean_is_judged_as_the_operator_did(trying_a_score: Cluster) -> None:
    pair, state = going_on(trying_a_score)
    metrics = Remembered(trying_a_score)
    recording = await read(trying_a_score.spec, state.plan, pair, metrics, start=state.begun, end=state.end)
    own, theirs = recording.play()[-1].assessment.metrics[0], judge.assess(state).metrics[0]
    assert metrics.asked == 2
    assert (own.na, own.nb, own.value) == pytest.approx((theirs.na, theirs.nb, theirs.value))
    assert own.e_harm == pytest.approx(theirs.e_harm, rel=1e-2)


async def test_what_is_not_an_answer_is_refused(trying: Callable[[float], Cluster]) -> None:
    cluster = trying(0.05)
    pair, state = going_on(cluster)
    cluster.metrics = "strange"
    with pytest.raises(Untrustworthy, match=r"metric 'errors': .* of neither revision.*; the query was: "):
        await read(cluster.spec, state.plan, pair, Remembered(cluster), start=state.begun, end=state.end)


@pytest.mark.parametrize("seconds", [-10, 0, 20_000 * 10])
async def test_spans_that_cannot_be_asked_for(trying: Callable[[float], Cluster], seconds: float) -> None:
    cluster = trying(0.05)
    pair, state = going_on(cluster)
    with pytest.raises(Invalid, match="at most 31 hours"):
        await read(cluster.spec, state.plan, pair, Remembered(cluster), start=0, end=seconds)


async def test_no_windows_is_no_decision(trying: Callable[[float], Cluster]) -> None:
    cluster = trying(0.05)
    pair, _ = going_on(cluster)
    late = (cluster.now + timedelta(days=1)).timestamp()
    recording = await read(cluster.spec, judge_plan(cluster.spec), pair, Remembered(cluster), start=late, end=late + 60)
    moments = recording.play()
    assert {moment.assessment.outcome.value for moment in moments} <= {"NoData", "Undecided"}
    assert all(moment.share is None for moment in moments)


# -- rollmodel backtest --prometheus -----------------------------------------------------------------------------------


@pytest.fixture
def manifest(tmp_path: Path) -> Callable[[Cluster], Path]:
    def write(cluster: Cluster) -> Path:
        path = tmp_path / "churn.yaml"
        metadata = {"name": "churn", "namespace": "prod"}
        document = {
            "kind": "ModelDeployment",
            "metadata": metadata,
            "spec": cluster.spec.to_wire(),
            "status": cluster.status,
        }
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        return path

    return write


def test_backtest_of_the_last_decision(trying: Any, manifest: Any, monkeypatch: Any, capsys: Any) -> None:
    cluster = trying(0.3)
    cluster.run(600)
    assert cluster.verdicts()[-1] == "RolledBack v2"
    monkeypatch.setattr(prometheus, "connected", lambda _: Remembered(cluster))
    begun = cluster.now - timedelta(seconds=690)  # half an hour of history lies before it
    arguments = ["--prometheus", "http://p", "--start", begun.isoformat(), "--end", str(cluster.now.timestamp())]
    assert command.main([str(manifest(cluster)), *arguments, "--output", "json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["verdict"] == "RollBack"
    assert result["rollout"] == f"churn/{cluster.revision_of('2')}"
    assert result["reason"].startswith("ProvenHarmful: errors: proven worse")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "--prometheus needs --start"),
        (("--start", "yesterday"), "'yesterday' is not a time"),
    ],
)
def test_backtest_without_a_time(trying: Any, manifest: Any, capsys: Any, options: Any, message: Any) -> None:
    cluster = trying(0.3)
    cluster.run(600)
    assert command.main([str(manifest(cluster)), "--prometheus", "http://p", *options]) == 2
    assert message in capsys.readouterr().err


def test_backtest_without_revisions(tmp_path: Any, capsys: Any) -> None:
    path = tmp_path / "churn.yaml"
    path.write_text("kind: ModelDeployment\nmetadata: {name: churn}\nspec: {}\n", encoding="utf-8")
    assert command.main([str(path), "--prometheus", "http://p", "--start", "0"]) == 2
    assert "name the revisions with --stable and --candidate" in capsys.readouterr().err
