"""``rollmodel explain`` of a DriftPolicy: in the terminal, and as a page with both distributions side by side."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console
from rollmodel.cli.drift import page
from rollmodel.cli.drift.explain import parts
from rollmodel.cli.drift.past import with_last_look
from rollmodel.cli.drift.report import PolicyReport, of_manifest
from rollmodel.cli.rollout import explain
from rollmodel.errors import Invalid

from tests.support.simulation.drifting import DriftWorld, rows_of


async def drifted() -> tuple[DriftWorld, dict[str, Any]]:
    """A world whose people got older, and its policy as the API server gives it."""
    world = DriftWorld(lambda rng, hour: rows_of(rng, 600, age=40.0 if hour < 11 else 48.0, missing=0.02))
    ref = world.policy()
    await world.hours(world.operator(), ref, 16)
    manifest = json.loads(json.dumps(world.kube.objects[ref] | {"kind": "DriftPolicy"}))
    manifest["metadata"]["creationTimestamp"] = world.start.isoformat()
    return world, manifest


async def looked(world: DriftWorld, manifest: dict[str, Any]) -> PolicyReport:
    return await with_last_look(of_manifest(manifest), world)


def shown(report: PolicyReport, manifest: dict[str, Any], world: DriftWorld) -> str:
    console = Console(width=180, color_system=None)
    with console.capture() as captured:
        for part in parts(report, manifest, world.clock.now()):
            console.print(part)
    return captured.get()


async def test_it_says_what_it_sees_and_what_changed() -> None:
    world, manifest = await drifted()
    report = await looked(world, manifest)
    text = shown(report, manifest, world)
    assert "watch watches churn in team: Drifted" in text
    assert re.search(r"6 h +3600 +0\.01\d* +0\.1\d sd", text), "the smallest change of the window"
    age = next(one for one in report.distributions if one.column == "age")
    assert report.distributions[0] is age, "what changed comes first"
    assert sum(one.now for one in age.bins) == pytest.approx(1.0)
    assert age.bins[-1].now > 2 * age.bins[-1].before
    assert age.nulls[1] == pytest.approx(0.02, abs=0.01)
    assert re.search(r"above [\d.]+ +\d\.\d% +\d+\.\d%", text)


async def test_it_computes_what_the_operator_computed() -> None:
    world, manifest = await drifted()
    asked = len(world.asked)
    report = await looked(world, manifest)
    told = next(one for one in report.status.signals if one.name == "features/age")
    window = next(one for one in report.windows if one.width == told.window_seconds)
    assert window.rows == told.samples
    assert [end - start for _, start, end in world.asked[asked:]] == [0, 5 * 3600], "the longest window, once"


async def test_the_page_needs_nothing_else_and_is_well_formed() -> None:
    world, manifest = await drifted()
    text = page.render(await looked(world, manifest), made="today")
    assert not re.search(r"<script|src=|href=", text)
    tree = ET.fromstring("<body>" + text.partition("<body>")[2].rpartition("</html>")[0])  # noqa: S314 - our own text
    figures = tree.findall(".//figure")
    assert len(figures) == 4
    assert figures[0].get("class") == "Drifted"
    assert len(figures[0].findall(".//rect")) == 2 * len(figures[0].findall(".//g"))
    assert "in training" in text
    assert "% of 0.05 in 30 days is spent" in text


async def test_names_of_columns_are_data() -> None:
    _, manifest = await drifted()
    manifest["status"]["signals"][0]["name"] = "features/<script>alert(1)</script>"
    text = page.render(of_manifest(manifest), made="today")
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


async def test_from_a_file_and_without_prometheus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, manifest = await drifted()
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(manifest))
    assert explain.main(["--file", str(path), "--html", str(tmp_path / "page.html")]) == 0
    assert "features/age" in capsys.readouterr().out
    assert "features/age" in (tmp_path / "page.html").read_text()


async def test_what_cannot_be_shown_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    world, manifest = await drifted()
    manifest["status"]["profile"]["digest"] = "sha256:other"
    with pytest.raises(Invalid, match="another profile than the policy has looked at"):
        await looked(world, manifest)
    with pytest.raises(Invalid, match="has not looked yet"):
        await looked(world, {**manifest, "status": {}})
    assert explain.main(["tjob", "churn"]) == 1
    assert "this command is about modeldeployments and driftpolicies" in capsys.readouterr().err


async def test_a_candidate_is_drawn_beside_the_stable_revision() -> None:
    world = DriftWorld(
        lambda rng, hour: rows_of(rng, 1500, age=50.0), tried=lambda rng, hour: rows_of(rng, 600, age=58.0)
    )
    ref = world.policy(track="Candidate", reference={"stableTrack": {}}, windowSeconds=[3600])
    await world.hours(world.operator(), ref, 12)
    world.candidate("rev2", "2")
    await world.hours(world.operator(), ref, 4)
    manifest = json.loads(json.dumps(world.kube.objects[ref] | {"kind": "DriftPolicy"}))
    manifest["metadata"]["creationTimestamp"] = world.start.isoformat()
    report = await looked(world, manifest)
    age = report.distributions[0]
    assert (age.column, age.drifted) == ("age", True)
    assert 0.4 < age.bins[-1].before + age.bins[-2].before < 0.6, "of people of 50, not of those of the training"
    assert "features/age" in shown(report, manifest, world)
