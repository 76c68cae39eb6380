"""What others wrote is shown by the commands, and does nothing to the terminal or to the page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.table import Table
from rollmodel.cli.common.printing.screen import Screen
from rollmodel.cli.rollout import explain
from rollmodel.errors import Invalid

from tests.support.simulation.rollouts import Cluster

ACTS = "\x1b]52;c;aGk=\x07\x1b[2J[/red][link=https://evil.example]x[/link]\u202e:bomb:"


def test_markup_and_escapes_of_others_are_texts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    table = Table("HEAD")
    table.add_row("[/red]")
    table.add_row(ACTS)
    Screen().print(table)
    out = capsys.readouterr().out
    assert "[/red]" in out
    assert "[link=https://evil.example]" in out
    assert ":bomb:" in out
    assert not {"\x1b", "\x07", "\u202e"} & set(out)


def test_explain_shows_an_object_that_others_wrote_to(
    trying: Callable[[float], Cluster],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    status: dict[str, Any] = json.loads(json.dumps(trying(0.05).status))
    status["history"][0].update(by=ACTS, reason=ACTS, fromVersion="[/red]")
    status["candidate"].update(reason=ACTS, modelVersion="[/red]")
    status["paused"] = ACTS
    metadata = {"name": "churn", "namespace": "prod"}
    manifest = {"kind": "ModelDeployment", "metadata": metadata, "spec": trying(0.05).spec.to_wire(), "status": status}
    path, html = tmp_path / "churn.json", tmp_path / "page.html"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    assert explain.main(["--file", str(path), "--html", str(html)]) == 0
    for shown in (capsys.readouterr().out, html.read_text(encoding="utf-8")):
        assert "[/red]" in shown
        assert not {"\x1b", "\x07", "\u202e"} & set(shown)


def test_an_error_carries_texts_and_no_more() -> None:
    assert str(Invalid(f"MLflow says {ACTS}\nand more")).splitlines()[0].startswith("MLflow says \ufffd]52")
    assert "\x1b" not in str(Invalid(ACTS))
