"""Completion: what is offered for a line that is being written, in bash, and to kubectl."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tomllib
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from rollmodel.__main__ import main
from rollmodel.cli import COMMANDS
from rollmodel.cli.completion.command import completed
from rollmodel.cli.completion.commands import command_of, names
from rollmodel.cli.completion.scripts import SHELLS

ROOT = Path(__file__).parents[4]


@cache
def script(shell: str) -> str:
    return SHELLS[shell]([command_of(name) for name in names()])


def in_bash(line: str, kubectl: str = "") -> list[str]:
    """What bash offers; ``kubectl`` is what that prints."""
    words = [*shlex.split(line), *([""] if line.endswith(" ") else [])]
    ask = f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}; _rollmodel"
    show = "printf '%s\\n' \"${COMPREPLY[@]}\""
    source = f"kubectl() {{ printf '{kubectl}'; }}\n{script('bash')}\n{ask}\n{show}"
    answer = subprocess.run(["bash", "-c", source], check=True, capture_output=True, text=True, cwd=ROOT)
    assert answer.stderr == ""
    return answer.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("rollmodel pl", ["plan"]),
        ("rollmodel get -o ", ["table", "wide", "name", "yaml", "json"]),
        ("rollmodel wait churn --for ", ["promoted", "serving"]),
        ("rollmodel plan --of", ["--offline"]),
        ("rollmodel plan -f examples/quick", ["examples/quickstart.yaml"]),
        ("rollmodel lint examples/quick", ["examples/quickstart.yaml"]),
        ("rollmodel completion ", ["bash", "zsh", "fish"]),
    ],
)
def test_in_bash(line: str, offered: list[str]) -> None:
    assert set(offered) <= set(in_bash(line))


def test_names_come_from_kubectl() -> None:
    assert in_bash("rollmodel promote ch", "churn\\nfraud\\n") == ["churn"]
    assert in_bash("rollmodel get -n te", "team-a\\nprod\\n") == ["team-a"]


def test_to_kubectl() -> None:
    assert completed(["pl"]) == ["plan", ":4"]
    assert completed(["plan", "-o", "j"]) == ["json", "jsonpath=", ":4"]
    assert completed(["plan", "--ag"]) == ["--against", ":4"]
    assert completed(["plan", "-f", ""]) == [":0"]
    assert completed(["nonsense", ""]) == [":4"]


def test_every_command_of_people_is_offered() -> None:
    assert {*COMMANDS} <= {*names()}
    assert "fetch" not in names()
    for shell in SHELLS:
        assert all(name in script(shell) for name in names())


@pytest.mark.parametrize(("shell", "check"), [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")])
def test_a_shell_understands_its_script(shell: str, check: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    (tmp_path / "script").write_text(script(shell))
    subprocess.run([shell, check, str(tmp_path / "script")], check=True)


def test_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    assert capsys.readouterr().out == script("bash")


def test_the_programs_that_kubectl_looks_for_exist() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert {"rollmodel", "kubectl-rollmodel", "kubectl_complete-rollmodel"} == {*scripts}
    for target in scripts.values():
        module, _, function = target.partition(":")
        assert callable(getattr(import_module(module), function))
