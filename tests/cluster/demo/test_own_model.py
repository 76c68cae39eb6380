"""docs/guides/serve-your-own-model.md does what it says: its commands, in their order, on a local cluster."""

import re
import subprocess
from pathlib import Path

import pytest

from demo import operator, stack

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.usefixtures("cluster")]
REPOSITORY = Path(__file__).parents[3]
PAGE = REPOSITORY / "docs" / "guides" / "serve-your-own-model.md"


def script(where: stack.Stack) -> str:
    """The page's shell blocks, as a person would paste them, with what `make cluster` prints before them."""
    exports = {
        "KUBECONFIG": where.kubectl.kubeconfig,
        "MLFLOW_URL": where.mlflow_url,
        "GATEWAY_URL": where.gateway_url,
        "PATH": f"{where.kubectl.binary.parent}:$PATH",
    }
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    ended = "trap 'kill $(jobs -p) 2>/dev/null' EXIT"
    return "\n".join(["set -eux", ended, *(f'export {name}="{value}"' for name, value in exports.items()), *blocks])


def test_each_command_works(tmp_path: Path) -> None:
    with stack.local(tmp_path / "cluster", keep=False) as where:
        where.install()
        where.apply_gateway()
        with operator.running(where, tmp_path / "operator.log", keep=False), (tmp_path / "log").open("w") as log:
            command = ["bash", "-c", script(where)]
            code = subprocess.run(command, stdout=log, stderr=log, timeout=1500, check=False, cwd=REPOSITORY).returncode
    (REPOSITORY / "requests.jsonl").unlink(missing_ok=True)
    told = (tmp_path / "log").read_text()
    assert code == 0, told[-6000:]
    assert '{"predictions": [' in told
    assert "v2: Promoted: ProvenSafe" in told
    answers = [line for line in told.splitlines() if not line.startswith("+")]  # what is no trace of the shell
    assert answers[-1].startswith("v1 serves; v1: Promoted: Undo: v2 was taken back")
