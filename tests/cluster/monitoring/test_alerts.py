"""The alerts in Prometheus' own hands: promtool reads them, and raises them in the cases that are written down."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from charts.__main__ import REPOSITORY
from localcluster.binaries import locate
from tests.support.binaries import needs_binaries

pytestmark = [pytest.mark.cluster, pytest.mark.slow]  # promtool may have to be built

MONITORING = REPOSITORY / "config" / "monitoring"


@pytest.fixture(scope="module")
def promtool(request: pytest.FixtureRequest) -> Path:
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with needs_binaries(os.environ), capture.global_and_fixture_disabled():
        return locate(["promtool"])["promtool"]


def run(promtool: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(promtool), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_the_rules_are_rules(promtool: Path) -> None:
    done = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", str(MONITORING / "rules.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_raised_when_it_should(promtool: Path) -> None:
    done = run(promtool, "test", "rules", str(MONITORING / "rules-test.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


def test_an_alert_that_is_not_raised_is_noticed(promtool: Path, tmp_path: Path) -> None:
    rules = (MONITORING / "rules.yaml").read_text()
    (tmp_path / "rules.yaml").write_text(rules.replace('type="Stalled"', 'type="Ready"'))
    (tmp_path / "rules-test.yaml").write_text((MONITORING / "rules-test.yaml").read_text())
    done = run(promtool, "test", "rules", "--run=a model needs a person", str(tmp_path / "rules-test.yaml"))
    assert done.returncode != 0
    assert "RollmodelModelStalled" in done.stderr + done.stdout
