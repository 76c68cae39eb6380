"""``rollmodel explain`` on the status that the operator writes, before, during and after a rollout."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console, Group
from rollmodel.cli.common import prometheus
from rollmodel.cli.rollout import explain, page, terminal
from rollmodel.cli.rollout.report import Proof, Rate, Report, duration, of_manifest, views
from rollmodel.errors import Invalid
from rollmodel.evidence.core.types import Assessment, JudgePlan, MetricPlan, MetricReport, Outcome

from tests.support.simulation.past import let_serve
from tests.support.simulation.rollouts import Cluster, spec
from tests.unit.cli.backtest.test_recording import Remembered


def document(cluster: Cluster) -> dict[str, Any]:
    metadata = {"name": "churn", "namespace": "prod"}
    return {"kind": "ModelDeployment", "metadata": metadata, "spec": cluster.spec.to_wire(), "status": cluster.status}


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command on an object in a file; gives exit code, output and errors."""
    monkeypatch.setenv("COLUMNS", "140")

    def call(manifest: dict[str, Any], *options: str) -> tuple[int, str, str]:
        path = tmp_path / "churn.json"
        path.write_text(json.dumps(manifest), encoding="utf-8")
        code = explain.main(["--file", str(path), *options])
        return code, *capsys.readouterr()

    return call


def test_during_a_rollout(trying: Callable[[float], Cluster], run: Any) -> None:
    cluster = trying(0.05)
    code, out, _ = run(document(cluster))
    assert code == 0
    assert "churn in prod" in out
    assert re.search(r"candidate +\w+ +version 2 +10 % +step 1 of 2 for", out)
    assert "Undecided: errors: neither harm nor safety is proven yet" in out
    assert re.search(r"stable +[45][.\d]* % \(\d\.\d+ \.\. \d\.\d+\) +\d+ of \d", out)
    assert re.search(r"harm +[█░]{32} +evidence 0\.\d+, proven at 100", out)
    assert re.search(r"safety +[█░]{32} +evidence \d\.\d+, proven at 20, about .* to go", out)
    assert re.search(r"ratio +\S+●\S+ +[01]\.?\d* \(0\.\d+ \.\. \d", out)


def test_a_mean_where_higher_is_better(trying_a_score: Cluster, run: Any, tmp_path: Path) -> None:
    code, out, _ = run(document(trying_a_score), "--html", str(tmp_path / "page.html"))
    assert code == 0
    assert re.search(r"mean +·+\+.\|·+ +0\.9\d* \(", out), "the margins lie below 1"
    assert "means 0.9" in out
    assert "bad" not in out
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "harmful below 0.909 x stable, safe above 0.8 x" in text


def test_after_a_rollback(trying: Callable[[float], Cluster], run: Any) -> None:
    cluster = trying(0.3)
    cluster.run(300)
    code, out, _ = run(document(cluster))
    assert code == 0
    assert "RolledBack: v2: ProvenHarmful: errors: proven worse" in out
    assert re.search(r"RolledBack +2, 1 stays +ProvenHarmful", out)
    assert "errors  Harmful" in out


def test_after_a_promotion_it_is_said_what_was_judged(trying: Callable[[float], Cluster], run: Any) -> None:
    cluster = trying(0.0)
    assert cluster.run(6000, lambda: cluster.status["stable"]["modelVersion"] == "2")
    cluster.run(300)
    _, out, _ = run(document(cluster))
    assert "AtRest: no revision is being tried; judged last was v2 against v1, Promoted: ProvenSafe" in out
    assert "errors  ProvenSafe" in out


def test_a_baseline_is_shown(trying_beside_a_baseline: Cluster, run: Any) -> None:
    _, out, _ = run(document(trying_beside_a_baseline))
    assert re.search(rf"baseline +{trying_beside_a_baseline.baseline} +version 1 +10 % +1 of 1 pods ready", out)


def test_before_anything(run: Any) -> None:
    code, out, _ = run({"kind": "ModelDeployment", "metadata": {"name": "new"}, "spec": {}})
    assert code == 0
    assert "AtRest: no revision is being tried" in out


def test_pause_and_command_are_shown(trying: Callable[[float], Cluster], run: Any) -> None:
    cluster = trying(0.05)
    cluster.command("pause", cluster.revision_of("2"))
    cluster.pass_until_quiet()
    _, out, _ = run(document(cluster))
    assert "paused: Command: paused by kubectl" in out
    assert "last command: pause" in out


def test_without_a_readable_judge_the_status_has_lines(trying: Callable[[float], Cluster], run: Any) -> None:
    manifest = document(trying(0.05))
    manifest["status"]["judge"] = '{"version":99}'
    code, out, _ = run(manifest)
    assert code == 0
    assert "the judge has not begun yet" in out
    assert re.search(r"\d+/\d+ candidate, \d+/\d+ stable", out)


def test_the_page_stands_alone(trying: Callable[[float], Cluster], run: Any, monkeypatch: Any, tmp_path: Path) -> None:
    cluster = trying(0.05)
    monkeypatch.setattr(prometheus, "connected", lambda _: Remembered(cluster))
    path = tmp_path / "report.html"
    code, _, err = run(document(cluster), "--html", str(path), "--prometheus", "http://p")
    assert (code, err) == (0, "")
    text = path.read_text(encoding="utf-8")
    assert "Undecided" in text
    assert not re.search(r"(src|href|url)\s*[=(]|<script|@import", text)
    drawings = [ET.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL)]  # noqa: S314 - our own text
    charts = [svg for svg in drawings if svg.find("polyline") is not None]
    assert len(charts) == 4
    for svg in charts:
        width, height = (float(x) for x in svg.attrib["viewBox"].split()[2:])
        for line in svg.findall("polyline"):
            points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
            assert len(points) >= 2
            assert all(0 <= x <= width and 0 <= y <= height for x, y in points)


def test_the_past_of_a_rollout_that_has_ended(
    trying: Callable[[float], Cluster], run: Any, monkeypatch: Any, tmp_path: Path
) -> None:
    cluster = trying(0.3)
    assert cluster.run(600, lambda: "candidate" not in cluster.status)
    monkeypatch.setattr(prometheus, "connected", lambda _: Remembered(cluster))
    path = tmp_path / "report.html"
    code, out, err = run(document(cluster), "--html", str(path), "--prometheus", "http://p")
    assert (code, err) == (0, "")
    assert re.search(r"harm +█{32} +evidence \d+", out)
    text = path.read_text(encoding="utf-8")
    assert "RolledBack" in text
    assert text.count("<polyline") >= 4
    (ticks,) = {tuple(re.findall(r">(\d[\d.]* (?:s|min|h))<", svg)) for svg in text.split("<svg") if "<polyline" in svg}
    assert len(set(ticks)) == len(ticks)


def test_there_is_no_past_of_what_was_never_judged(run: Any, tmp_path: Path) -> None:
    manifest = {"kind": "ModelDeployment", "metadata": {"name": "new", "namespace": "prod"}, "spec": {}}
    code, _, err = run(manifest, "--html", str(tmp_path / "report.html"), "--prometheus", "http://p")
    assert code == 1
    assert "nor does the history have one whose past could be read" in err


def test_the_page_without_a_past_has_no_charts(trying: Callable[[float], Cluster], run: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    assert run(document(trying(0.05)), "--html", str(path))[0] == 0
    text = path.read_text(encoding="utf-8")
    assert text.count('class="bar"') == 2
    assert "polyline" not in text


def test_text_of_the_object_is_escaped_in_the_page(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    status = {"paused": "<script>alert(1)</script> [bold]x"}
    code, out, _ = run({"kind": "ModelDeployment", "metadata": {"name": "x"}, "status": status}, "--html", str(path))
    assert code == 0
    assert "[bold]x" in out
    assert "<script>" not in path.read_text(encoding="utf-8")


def test_a_name_or_a_file_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        explain.main([])
    assert "required" in capsys.readouterr().err


def test_a_status_that_cannot_be_read(trying: Callable[[float], Cluster]) -> None:
    manifest = document(trying(0.05))
    manifest["status"]["stable"] = {"weight": "all"}
    with pytest.raises(Invalid, match="the status cannot be read"):
        of_manifest(manifest, trying(0.05).now)


@pytest.mark.parametrize(("evidence", "progress"), [(0.1, 0.0), (1, 0.0), (10, 0.5), (100, 1.0), (1e9, 1.0)])
def test_progress_is_on_a_log_scale(evidence: float, progress: float) -> None:
    assert Proof(evidence, 100, None).progress == pytest.approx(progress)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1, "0 s"), (12, "12 s"), (89, "89 s"), (100, "1.7 min"), (3000, "50 min"), (7200, "2 h"), (4e5, "4.6 d")],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("bad", "total", "dispersion", "low", "high"),
    [
        (10, 100, 1.0, 0.0552, 0.1744),
        (0, 50, 1.0, 0.0, 0.0713),
        (50, 50, 1.0, 0.9287, 1.0),
        (40, 400, 4.0, 0.0552, 0.1744),
    ],
)
def test_interval_of_a_rate(bad: float, total: float, dispersion: float, low: float, high: float) -> None:
    """Wilson's interval, known values; four times the noise makes four requests weigh as much as one."""
    assert Rate("stable", bad, total, dispersion).interval == pytest.approx((low, high), abs=1e-4)


def test_latency_is_shown_as_a_factor_in_time(capsys: pytest.CaptureFixture[str]) -> None:
    plan = JudgePlan(metrics=(MetricPlan("latency", "latency"),))
    seen = MetricReport("latency", "Undecided", e_harm=12.0, e_safe=0.5, ratio=1.127, na=100, ka=9, nb=900, kb=40)
    opinion = Assessment(Outcome.UNDECIDED, "NotEnoughEvidence", "latency: not proven yet", metrics=(seen,))
    report = Report("prod", "churn", "Undecided", opinion.message, (), views(plan, opinion), ())
    Console(width=140).print(Group(*terminal.parts(report)))
    assert re.search(r"time +\S+●\S+ +1\.13\n", re.sub(r" +\n", "\n", capsys.readouterr().out))
    text = page.render(report, made="now")
    assert "1.13 x stable" in text
    assert "at all times" not in text


def test_pairs_are_shown_as_a_part_of_what_may_differ(capsys: pytest.CaptureFixture[str]) -> None:
    metric = MetricPlan("answers", "paired", harm_ratio=1.0, safe_ratio=1.0, value_max=0.02)
    plan = JudgePlan(metrics=(metric,))
    seen = MetricReport(
        "answers", "Undecided", e_harm=0.2, e_safe=3.0, ratio=0.5, low=0.12, high=1.3, na=2000, ka=20, dispersion=2.0,
        seconds_to_safe=100.0, message="1 % of the answers differ", unit="pairs",
    )  # fmt: skip
    opinion = Assessment(Outcome.UNDECIDED, "NotEnoughEvidence", "answers: not proven yet", metrics=(seen,))
    report = Report("prod", "churn", "Undecided", opinion.message, (), views(plan, opinion), ())
    Console(width=140).print(Group(*terminal.parts(report)))
    out = capsys.readouterr().out
    assert re.search(r"differing +\S+●\S+ +0\.5 \(0\.12 \.\. 1\.3\)", out)
    assert "about 1.7 min to go if it goes on like this" in out
    assert "2.0 pairs weigh as much as one" in out
    assert "stable" not in out
    text = page.render(report, made="now")
    assert "harmful above 1 x what may differ, safe below 1 x" in text
    assert "0.5 x what may differ" in text


def test_a_preview_that_is_compared_with_nobody(run: Any) -> None:
    policy = {"strategy": "BlueGreen", "blueGreen": {"switch": "Manual"}, "warmUpSeconds": 0, "bakeSeconds": 600}
    cluster = Cluster(spec(rollout=policy), rate=1000)
    let_serve(cluster)
    cluster.run(300)
    revision = cluster.try_version("2")
    assert cluster.run(300, lambda: cluster.condition("Paused")["status"] == "True")
    code, out, _ = run(document(cluster))
    assert code == 0
    assert re.search(r"candidate +\w+ +version 2 +0 % +step 1 of 1 for", out)
    cluster.command("resume", revision)
    assert cluster.run(300, lambda: cluster.condition("Progressing")["reason"] == "Baking")
    code, out, _ = run(document(cluster))
    assert code == 0
    assert re.search(r"candidate +\w+ +version 2 +100 % +baking for", out)


def test_a_risk_that_is_shared_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    plan = JudgePlan(metrics=(MetricPlan("errors", "count"), MetricPlan("slow", "count")), alpha_harm=0.01)
    seen = [MetricReport(one.name, "Undecided", e_harm=150.0, e_safe=0.5) for one in plan.metrics]
    opinion = Assessment(Outcome.UNDECIDED, "NotEnoughEvidence", "not proven yet", metrics=seen)
    report = Report("prod", "churn", "Undecided", opinion.message, (), views(plan, opinion), ())
    Console(width=140).print(Group(*terminal.parts(report)))
    said = "evidence 150, proven at 200 (the risk is shared by 2 metrics)"
    assert capsys.readouterr().out.count(said) == 2
    assert page.render(report, made="now").count(said) == 2
