"""docs/reference/settings.md and metrics.md say what the code says, and nothing is without a word."""

from __future__ import annotations

import pytest
from rollmodel.__main__ import main
from rollmodel.settings_help import settings

from tests.support.reference.operator_reference import FOLDER, PAGES, page


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_current(name: str) -> None:
    """``python -m tests.support.reference.operator_reference`` writes it anew."""
    assert (FOLDER / f"{name}.md").read_text(encoding="utf-8") == page(name)


@pytest.mark.parametrize("setting", settings(), ids=lambda one: one.variable)
def test_every_setting_says_what_it_does(setting: object) -> None:
    assert len(setting.effect) > 10  # type: ignore[attr-defined]


def test_help_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    told = capsys.readouterr().out
    assert "Run the operator until a signal asks it to stop" in told
    assert "ROLLMODEL_REGISTRY_POLL_SECONDS" in told
    assert "(default: 30)" in told
