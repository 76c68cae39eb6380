"""What a kept demo prints: commands that exist, about what the demo left."""

import re
import shlex
from pathlib import Path

import pytest
from rollmodel.__main__ import COMMANDS
from rollmodel.cli import COMMANDS as FOR_PEOPLE

from demo.kubectl import Kubectl
from demo.next_steps import Served, page, steps
from demo.rollout import story as rollout
from demo.stack import Stack
from demo.training import story as training


@pytest.fixture
def where(tmp_path: Path) -> Stack:
    kubectl = Kubectl(tmp_path / "bin" / "kubectl", tmp_path / "a b" / "kubeconfig", "demo")
    return Stack(kubectl, "http://mlflow", "http://prometheus", "http://gateway", None)


@pytest.mark.parametrize(
    "served",
    [
        Served(rollout.NAME, rollout.HOST, Path("/d/requests.jsonl"), taken_back=True),
        Served(training.NAME, training.HOST, Path("/d/requests.jsonl")),
    ],
    ids=["rollout", "training"],
)
def test_five_things_to_try(where: Stack, served: Served) -> None:
    tried = steps(where, served)
    assert len(tried) == 5
    commands = [command for step in tried for command in step.commands]
    assert f"Host: {served.host}" in commands[0]
    assert "http://gateway/invocations" in commands[0]
    used = {words[1] for words in map(shlex.split, commands) if words[0] == "rollmodel"}
    assert used
    assert used <= set(COMMANDS) | set(FOR_PEOPLE)
    assert {part for command in commands for part in re.findall(r"-n (\S+)", command)} == {"demo"}


def test_paths_with_blanks_are_quoted(where: Stack) -> None:
    served = Served("a", "h", Path("/some folder/requests.jsonl"), taken_back=True)
    text = page(where, served)
    assert "head -1 '/some folder/requests.jsonl' | curl" in text
    assert f"export KUBECONFIG='{where.kubectl.kubeconfig}'" in text


@pytest.mark.parametrize("story", [rollout, training])
def test_a_line_is_a_body(story: object) -> None:
    bodies = story.request_bodies()  # type: ignore[attr-defined]
    assert len(bodies) > 10
    assert not any("\n" in body for body in bodies)
