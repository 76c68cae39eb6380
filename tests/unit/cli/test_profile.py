"""``rollmodel profile``: from a table to a file beside the model."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rollmodel.cli.profile import main
from rollmodel.profile import read_profile

RNG = np.random.default_rng(2)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = 500
    data = pd.DataFrame(
        {
            "age": RNG.normal(40, 9, rows),
            "plan": RNG.choice(["a", "b"], rows),
            "p": RNG.random(rows),
            "churned": RNG.integers(0, 2, rows),
            "id": np.arange(rows),
        }
    )
    data.to_csv(tmp_path / "data.csv", index=False)
    data.to_parquet(tmp_path / "data.parquet")
    return tmp_path


@pytest.mark.parametrize("name", ["data.csv", "data.parquet"])
def test_a_table_becomes_a_profile(table: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (table / "weights.json").write_text(json.dumps({"age": 3, "plan": 1}), encoding="utf-8")
    out = table / "profile.json"
    options = ["--score", "p", "--target", "churned", "--ignore", "id", "--importance", str(table / "weights.json")]
    assert main([str(table / name), *options, "--out", str(out)]) == 0
    profile = read_profile(out.read_text(encoding="utf-8"))
    assert [(one.name, one.kind, one.importance) for one in profile.features] == [
        ("age", "numeric", 0.75),
        ("plan", "categorical", 0.25),
    ]
    assert profile.score is not None
    assert profile.score.positives is not None
    assert f"500 rows, 2 features, {out.stat().st_size} bytes, {profile.digest}" in capsys.readouterr().out


def test_a_picture_of_it_needs_nothing_else(table: Path) -> None:
    out, page = table / "profile.json", table / "profile.html"
    options = ["--score", "p", "--target", "churned", "--ignore", "id"]
    assert main([str(table / "data.csv"), *options, "--out", str(out), "--html", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    profile = read_profile(out.read_text(encoding="utf-8"))
    columns = [one.column for one in filter(None, [profile.score])] + list(profile.features)
    assert text.count('class="rows"') == sum(len(one.counts) for one in columns)
    assert text.count('class="right"') > 5, "labels of the score"
    assert "plan" in text
    assert profile.digest in text
    assert not re.search(r"<script|src=|href=|nan", text)


def test_names_of_columns_are_text_on_the_page(tmp_path: Path) -> None:
    pd.DataFrame({"<script>x</script>": range(40)}).to_csv(tmp_path / "data.csv", index=False)
    page = tmp_path / "profile.html"
    assert main([str(tmp_path / "data.csv"), "--out", str(tmp_path / "p.json"), "--html", str(page)]) == 0
    assert "&lt;script&gt;x" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nothing.csv"], "No such file"),
        (["data.txt"], "must end in .csv, .csv.gz or .parquet"),
        (["data.csv", "--score", "q"], "no column 'q'; there are age, plan, p, churned, id"),
        (["data.csv", "--importance", "data.csv"], "must be a JSON object"),
        (["broken.parquet"], "cannot be read"),
    ],
)
def test_what_cannot_be_profiled_is_told(
    table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(table)
    (table / "broken.parquet").write_text("no parquet", encoding="utf-8")
    assert main(arguments) == 1
    assert says in capsys.readouterr().err
    assert not (table / "profile.json").exists()


@pytest.mark.parametrize("zone", [None, "UTC"])
@pytest.mark.parametrize("name", ["data.csv", "data.parquet"])
def test_times_give_counts_by_hours(
    tmp_path: Path, name: str, zone: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    rng, rows = np.random.default_rng(3), 4000
    times = pd.to_datetime(np.arange(rows) * 600 + 1_767_225_600, unit="s", utc=zone is not None)
    data = pd.DataFrame({"at": times, "plan": rng.choice(["a", "b"], rows), "age": rng.normal(times.day_of_week, 1.0)})
    data.to_csv(tmp_path / "data.csv", index=False)
    data.to_parquet(tmp_path / "data.parquet")
    out = tmp_path / "profile.json"
    assert main([str(tmp_path / name), "--time", "at", "--out", str(out)]) == 0
    profile = read_profile(out.read_text(encoding="utf-8"))
    assert [one.name for one in profile.features if one.rhythm is not None] == ["age"]
    assert f"{len(profile.hours)} parts of the week, 1 columns follow them: age" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("times", "says"),
    [
        (["2026-01-01T00:00:00Z", "soon"], "must be dates, seconds since 1970, or texts such as 2026-01-31T12:00:00Z"),
        ([1_767_225_600_000, 1_768_225_600_000], "are these milliseconds?"),
        ([True, False], "must be dates"),
    ],
)
def test_what_is_no_time_is_refused(
    tmp_path: Path, times: list[object], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pd.DataFrame({"at": times * 200, "age": range(400)}).to_csv(tmp_path / "data.csv", index=False)
    assert main([str(tmp_path / "data.csv"), "--time", "at", "--out", str(tmp_path / "p.json")]) == 1
    assert says in capsys.readouterr().err


def test_times_of_three_days_give_no_counts_by_hours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pd.DataFrame({"at": np.arange(400) * 600, "age": range(400)}).to_csv(tmp_path / "data.csv", index=False)
    assert main([str(tmp_path / "data.csv"), "--time", "at", "--out", str(tmp_path / "p.json")]) == 0
    assert "no counts by hours: the times span less than a week" in capsys.readouterr().out
