"""Backtest: the batch agrees with the operator's judge fed one by one, and the command says what it should."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from rollmodel.cli.backtest import command
from rollmodel.cli.backtest.batch import Batch
from rollmodel.cli.backtest.counts import Counts, History
from rollmodel.evidence import judge
from rollmodel.evidence.core.samples import CountSample, Window
from rollmodel.evidence.core.types import JudgePlan, MetricHistory, MetricPlan

TICKS = 50
#: Bad fraction of the candidate, requests per tick, and what happens on the way.
WORLDS = [
    ("healthy", 0.01, 200, None),
    ("twice", 0.02, 200, None),
    ("five times", 0.05, 200, None),
    ("busy", 0.012, 5000, None),
    ("above the ceiling", 0.4, 50, None),
    ("both above the ceiling", 0.4, 200, "incident"),
    ("silent for a while", 0.01, 200, "gap"),
    ("no history", 0.03, 400, "no history"),
    ("noisy", 0.01, 2000, "noise"),
]


def recorded() -> Counts:
    """One rollout for each world."""
    rng = np.random.default_rng(11)
    total, bad, histories = [], [], []
    for _, rate, requests, event in WORLDS:
        noise = rng.lognormal(0, 0.5, (2, TICKS)) if event == "noise" else np.ones((2, TICKS))
        n = rng.poisson([[requests], [9 * requests]], (2, TICKS)).astype(float)
        if event == "gap":
            n[:, 20:30] = 0
        rates = np.stack([np.full(TICKS, rate), np.full(TICKS, 0.01)])
        if event == "incident":
            rates[:] = np.where(np.arange(TICKS) > 15, rate, 0.01)
        k = rng.binomial(n.astype(int), np.clip(rates * noise, 0, 1))
        total.append(n)
        bad.append(k.astype(float))
        pods = 0 if event == "no history" else 4
        past = rng.poisson(requests * 2.5, (pods, 200)).astype(float)
        histories.append(History(past, rng.binomial(past.astype(int), 0.01).astype(float)))
    stacked = np.stack(total, axis=1), np.stack(bad, axis=1)
    runs = len(WORLDS)
    return Counts(10.0, *stacked, np.zeros((runs, TICKS), bool), np.full(runs, TICKS), histories)


@pytest.mark.parametrize(("ceiling", "delay"), [(None, 0.0), (0.2, 0.0), (None, 45.0)])
def test_the_batch_says_at_every_tick_what_the_judge_says(ceiling: float | None, delay: float) -> None:
    counts = recorded()
    plan = JudgePlan(metrics=(MetricPlan("errors", "count", harm_ratio=1.0, ceiling=ceiling, delay=delay),))
    batch = Batch([name for name, *_ in WORLDS], plan, counts)
    first = counts.total[:, :, :30].sum(axis=2)
    states = []
    for run, history in enumerate(counts.history):
        pods = {str(i): list(zip(n, k, strict=True)) for i, (n, k) in enumerate(zip(*_both(history), strict=True))}
        one = JudgePlan(metrics=plan.metrics, candidate_share=float(first[0, run] / first[:, run].sum()))
        states.append(judge.begin(one, {"errors": MetricHistory(pods=pods)}, 0.0))
    seen = set()
    for tick in range(TICKS):
        for run, state in enumerate(states):
            (na, nb), (ka, kb) = counts.total[:, run, tick], counts.bad[:, run, tick]
            window = Window(10.0 * tick, 10.0 * (tick + 1))
            states[run] = judge.observe(state, window, {"errors": CountSample(na, ka, nb, kb)})
        assert batch.observe(np.ones(len(WORLDS), bool)) == 10.0 * (tick + 1)
        opinions = [judge.assess(state) for state in states]
        assert batch.outcomes() == [opinion.outcome for opinion in opinions], tick
        below = [batch.below_margin(run) for run in range(len(WORLDS))]
        assert below == [opinion.upper_limit_below_margin for opinion in opinions]
        seen |= {opinion.outcome.value for opinion in opinions}
    assert batch.observe(np.ones(len(WORLDS), bool)) is None
    assert seen >= {"Harm", "Safe", "Undecided", "NoData"} | ({"Ceiling", "SharedIncident"} if ceiling else set())


def _both(history: History) -> tuple[np.ndarray, np.ndarray]:
    return history.total, history.bad


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the command on a manifest with these fields and these counts; gives exit code, output and errors."""

    def call(counts: str, *options: str, **spec: object) -> tuple[int, str, str]:
        manifest = {"apiVersion": "rollmodel.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": "churn"}}
        path, file = tmp_path / "churn.yaml", tmp_path / "counts.csv"
        path.write_text(yaml.safe_dump_all([{"kind": "Namespace"}, {**manifest, "spec": spec}]), encoding="utf-8")
        file.write_text("rollout,time,arm,pod,total,bad\n" + counts, encoding="utf-8")
        code = command.main([str(path), "--counts", str(file), *options])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def rows(name: str, bad: int, *, ticks: int = 60, total: int = 100, past: int = 200) -> str:
    """A candidate with this many bad of ``total`` each tick beside a stable arm with one in a hundred."""
    lines = [f"{name},{-10 * t},stable,p{pod},950,{9 + pod}" for t in range(past) for pod in range(2)]
    for tick in range(1, ticks + 1):
        lines += [f"{name},{10 * tick},candidate,c,{total},{bad}", f"{name},{10 * tick},stable,p0,1900,19"]
    return "\n".join(lines) + "\n"


ERRORS = {"metrics": [{"name": "errors", "preset": "Errors"}]}


def test_json_has_one_line_for_each_rollout_in_order(run: Any) -> None:
    code, out, _ = run(
        rows("bad", 8) + rows("good", 1) + rows("short", 1, ticks=5), "--output", "json", analysis=ERRORS
    )
    assert code == 0
    results = [json.loads(line) for line in out.splitlines()]
    assert [list(result) for result in results] == [["rollout", "verdict", "seconds", "reason"]] * 3
    assert [(r["rollout"], r["verdict"]) for r in results] == [
        ("bad", "RollBack"),
        ("good", "Promote"),
        ("short", "Undecided"),
    ]
    assert results[0]["seconds"] < 100
    assert results[0]["reason"].startswith("ProvenHarmful: candidate ")
    assert results[2]["seconds"] == 50


def test_the_table_sums_up(run: Any) -> None:
    code, out, _ = run(rows("bad", 8) + rows("good", 1), analysis=ERRORS)
    assert code == 0
    assert "RollBack: 1 of 2" in out
    assert "Promote: 1 of 2" in out


def test_off_a_terminal_no_row_is_wrapped(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    name = "rollout-with-a-name-" + "x" * 80
    _, out, _ = run(rows(name, 8), analysis=ERRORS)
    heading, row, total = out.splitlines()
    assert row.startswith(f"{name}  RollBack")
    assert total.startswith("RollBack: 1 of 1")
    assert heading.split() == ["ROLLOUT", "VERDICT", "AFTER", "REASON"]


def test_steps_take_their_time_before_promotion(run: Any) -> None:
    _, fast, _ = run(rows("r", 1), "--output", "json", analysis=ERRORS, rollout={"steps": [{"weight": 5}]})
    steps = [{"weight": 5, "minSeconds": 500}, {"pause": "Manual"}, {"weight": 50}]
    _, slow, _ = run(rows("r", 1), "--output", "json", analysis=ERRORS, rollout={"steps": steps})
    assert json.loads(fast)["seconds"] < 500
    assert json.loads(slow)["seconds"] == 500 + 40


@pytest.mark.parametrize(
    ("policy", "verdict", "reason"),
    [
        ({"onUndecided": "RollBack"}, "RollBack", "Undecided"),
        ({"onUndecided": "Pause"}, "Undecided", "Paused, Undecided"),
    ],
)
def test_the_end_of_a_steps_time(run: Any, policy: Any, verdict: Any, reason: Any) -> None:
    steps = [{"weight": 5, "maxSeconds": 50}]
    counts = rows("r", 0, total=2)
    code, out, _ = run(counts, "--output", "json", analysis=ERRORS, rollout={"steps": steps, **policy})
    assert code == 0
    result = json.loads(out)
    assert (result["verdict"], result["reason"].split(":")[0]) == (verdict, reason)


def test_a_failure_that_only_pauses_is_no_rollback(run: Any) -> None:
    _, out, _ = run(rows("r", 8), "--output", "json", analysis=ERRORS, rollout={"onFailure": "Pause"})
    result = json.loads(out)
    assert result["verdict"] == "Undecided"
    assert result["reason"].startswith("Paused, ProvenHarmful")


def test_a_wider_tolerance_lets_more_pass(run: Any) -> None:
    tolerant = {"metrics": [{"name": "errors", "preset": "Errors", "tolerance": {"ratio": "9"}}]}
    _, out, _ = run(rows("r", 8), "--output", "json", analysis=tolerant)
    assert json.loads(out)["verdict"] != "RollBack"


def test_no_number_that_cannot_be_true_decides(run: Any) -> None:
    bad = "".join(f"r,{10 * t},candidate,c,10,11\nr,{10 * t},stable,s,-900,nan\n" for t in range(1, 60))
    code, out, err = run(bad, "--output", "json", analysis=ERRORS)
    assert code == 0
    assert json.loads(out)["verdict"] == "Undecided"
    assert json.loads(out)["reason"].startswith("NoEvidence")
    assert "118 rows cannot be true (first: row 2)" in err


def test_notes_go_to_standard_error(run: Any) -> None:
    analysis = {"metrics": [{"name": "latency", "preset": "Latency"}, *ERRORS["metrics"]]}
    _, _, err = run("r,60,candidate,c,1,0\nr,120,candidate,c,1,0\n", "--output", "json", analysis=analysis)
    assert "judging 'errors' alone" in err
    assert "a row every 60 s; the analysis would look every 10 s" in err


@pytest.mark.parametrize(
    ("analysis", "options", "message"),
    [
        ({"metrics": [{"name": "latency", "preset": "Latency"}]}, (), "no metric that counts"),
        (ERRORS, ("--metric", "refusals"), "no metric 'refusals' that counts"),
        ({"intervalSeconds": 0}, (), "spec.analysis.intervalSeconds"),
        ({**ERRORS, "falseRollbackRisk": "0"}, (), "the analysis cannot be judged: alpha_harm must be between 0 and 1"),
    ],
)
def test_a_policy_that_cannot_be_replayed_is_refused(run: Any, analysis: Any, options: Any, message: Any) -> None:
    code, out, err = run(rows("r", 1, ticks=1), *options, analysis=analysis)
    assert (code, out) == (2, "")
    assert message in err


def test_files_that_are_no_manifest(tmp_path: Any, capsys: Any) -> None:
    for text, message in (("a: [", "is not YAML"), ("kind: Pod", "has no ModelDeployment")):
        path = tmp_path / "x.yaml"
        path.write_text(text, encoding="utf-8")
        assert command.main([str(path), "--counts", str(path)]) == 2
        assert message in capsys.readouterr().err
    assert command.main([str(tmp_path / "none"), "--counts", "x"]) == 2


@pytest.mark.parametrize(
    ("policy", "verdicts"),
    [
        ("quickstart.yaml", ["Promote", "RollBack", "RollBack"]),
        ("tumour-screening.yaml", ["Promote", "Promote", "RollBack"]),
    ],
)
def test_the_example_shows_what_a_policy_costs(
    policy: str, verdicts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """docs/concepts/evidence.md prints the first of them. The demo's margins are wide: twice as many errors pass."""
    examples = Path(__file__).parents[4] / "examples"
    options = ["--counts", str(examples / "counts.csv"), "--output", "json"]
    assert command.main([str(examples / policy), *options]) == 0
    results = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [result["rollout"] for result in results] == ["v7-healthy", "v8-twice-as-bad", "v9-five-times"]
    assert [result["verdict"] for result in results] == verdicts


def test_a_strategy_that_compares_nobody_has_nothing_to_replay(capsys: pytest.CaptureFixture[str]) -> None:
    examples = Path(__file__).parents[4] / "examples"
    counts = str(examples / "counts.csv")
    assert command.main([str(examples / "blue-green.yaml"), "--counts", counts]) == 2
    assert "BlueGreen compares nobody" in capsys.readouterr().err
