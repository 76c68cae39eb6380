"""The page of the benchmark: a part that was measured again takes its old place, the others stay."""

from __future__ import annotations

from pathlib import Path

from tests.bench.scale import page
from tests.bench.scale.measurements.first_answer import Answer, FirstAnswer
from tests.bench.scale.rows import first_rows
from tests.bench.scale.section import Conditions, Row, Section

MADE = Conditions("python -m tests.bench.scale", "2026-01-01 00:00 UTC", "abc", "a machine", (0.0, 1.0))


def test_what_was_not_measured_again_stays(tmp_path: Path) -> None:
    old = [Section(title, [Row("figure", f"old {title}")], MADE) for title in ("Start", "Rest")]
    page.write(tmp_path, old)
    new = [Section(title, [Row("figure", f"new {title}")], MADE) for title in ("Rest", "More")]
    text = page.write(tmp_path, new).read_text()
    places = [text.index(words) for words in ("old Start", "new Rest", "new More", "## Beside others")]
    assert places == sorted(places)
    assert "old Rest" not in text
    assert page.write(tmp_path, new).read_text() == text


def test_the_page_in_the_repository_was_written_by_this_program(tmp_path: Path) -> None:
    stored = (Path(__file__).parents[4] / "docs" / page.NAME).read_text()
    (tmp_path / page.NAME).write_text(stored)
    assert page.write(tmp_path, []).read_text() == stored


def test_first_answers_are_told_in_seconds() -> None:
    run = FirstAnswer([14.0, 15.0], [Answer(0.5, 8.0, 9.0), Answer(0.7, 9.0, 11.0)], [1.0, 7.5, 15.9], [0.4])
    told = {row.name: row.value for row in first_rows(run)}
    assert told["from its start to the first answer of the gateway, p50 / max"] == "10.0 s / 11.0 s"
    assert told["3 moves: alias moved to candidate begun, p50 / max"] == "7.5 s / 15.9 s"
