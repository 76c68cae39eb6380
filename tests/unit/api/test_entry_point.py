"""The ``rollmodel`` command runs what was asked for and imports nothing else."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest
from rollmodel import __main__ as entry
from rollmodel import cli

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the subcommand ``echo`` of a module was called with; it exits with 3."""
    seen: list[list[str]] = []

    def echo(argv: list[str]) -> int:
        seen.append(argv)
        return 3

    module = ModuleType("echo_module")
    module.__dict__["main"] = echo
    monkeypatch.setitem(sys.modules, "echo_module", module)
    monkeypatch.setitem(cli.COMMANDS, "echo", ("echo_module", "repeat"))
    return seen


def test_arguments_and_exit_code_pass_through(calls: list[list[str]]) -> None:
    assert entry.main(["echo", "--loud", "a", "-n", "1"]) == 3
    assert calls == [["--loud", "a", "-n", "1"]]


@pytest.mark.parametrize("argv", [[], ["nothing"]])
def test_what_nobody_knows_is_an_error_that_names_the_commands(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        entry.main(argv)
    assert "rollmodel" in capsys.readouterr().err


def test_help_lists_every_command(calls: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        entry.main(["--help"])
    listed = capsys.readouterr().out
    assert {line.split()[0] for line in listed.splitlines() if line.startswith("    ")} >= {*entry.COMMANDS, "echo"}
    assert calls == []


def test_a_command_imports_only_its_own_module() -> None:
    """Kopf, the Kubernetes client and MLflow cost tens of megabytes each."""
    program = (
        "import sys; from rollmodel.__main__ import main; code = main(['crds', '--check', 'crds']);"
        "heavy = {'kopf', 'kubernetes', 'mlflow', 'numpy', 'rollmodel.cli', 'rollmodel.plan'} & set(sys.modules);"
        "sys.exit(code or repr(heavy) if code or heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        entry.main(["--version"])
    assert capsys.readouterr().out == f"rollmodel {version('rollmodel')}\n"
