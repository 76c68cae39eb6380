"""`make demo KEEP=1` keeps the cluster, and each command that it prints works as printed."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcluster import Cluster, NotRunningError

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.usefixtures("cluster")]
REPOSITORY = Path(__file__).parents[3]
STEP = re.compile(r"  # \d\. ")


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    if (tmp_path / "cluster" / "cluster.json").exists():
        Cluster(tmp_path / "cluster").stop()


def shell(lines: list[str], seconds: float) -> subprocess.CompletedProcess[str]:
    script = "\n".join(["set -eu", *lines])
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=seconds, check=False, cwd=REPOSITORY
    )


def test_what_the_demo_leaves_works_as_it_says(directory: Path) -> None:
    command = [sys.executable, "-m", "demo", "--keep", "--directory", str(directory)]
    log = directory / "demo.log"
    with log.open("w") as output:
        code = subprocess.run(
            command, stdout=output, stderr=output, timeout=1500, check=False, cwd=REPOSITORY
        ).returncode
    assert code == 0, log.read_text()[-6000:]
    printed = [line for line in log.read_text().splitlines() if line.startswith("  ")]
    exports = [line.strip() for line in printed if line.startswith("  export ")]
    commands = printed[printed.index(next(line for line in printed if STEP.match(line))) :]
    assert len([line for line in commands if STEP.match(line)]) == 5
    done = shell([*exports, *(line for line in commands if not STEP.match(line))], 600)
    assert "predictions" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    assert "v3 was taken back: " in done.stdout, done.stdout  # also the second time; the traffic beside it ends later
    down = [sys.executable, "-m", "localcluster", "down", f"--dir={directory / 'cluster'}"]
    ended = subprocess.run(down, capture_output=True, text=True, timeout=60, check=True, cwd=REPOSITORY)
    assert ended.stdout.strip() == f"the cluster in {directory / 'cluster'} has ended"
    with pytest.raises(NotRunningError):
        Cluster.attach(directory / "cluster")
