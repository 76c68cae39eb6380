"""``rollmodel completion SHELL``, and what kubectl asks its plugin on a Tab."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rollmodel.cli.completion.commands import command_of, names
from rollmodel.cli.completion.scripts import SHELLS

__all__ = ["kubectl", "main"]

_DESCRIPTION = "Print a script that completes commands, options and names of objects (by kubectl) in a shell."
_EPILOG = (
    "bash: source <(rollmodel completion bash) in ~/.bashrc; zsh: the same in ~/.zshrc, after compinit; fish:"
    " rollmodel completion fish | source in config.fish."
)
#: What kubectl reads in the last line: 4 is "no files", 0 "files where nothing else fits".
_NO_FILES, _FILES = ":4", ":0"


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="rollmodel completion", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("shell", choices=tuple(SHELLS), help="the shell")
    shell = parser.parse_args(argv).shell
    print(SHELLS[shell]([command_of(name) for name in names()]), end="")
    return 0


def kubectl() -> int:
    """``kubectl_complete-rollmodel``: the words so far are the arguments, the last one is being written."""
    for line in completed(sys.argv[1:] or [""]):
        print(line)
    return 0


def completed(words: Sequence[str]) -> list[str]:
    """What may stand in the place of the last word, and how kubectl goes on."""
    *before, current = words
    if not before:
        return [*(name for name in names() if name.startswith(current)), _NO_FILES]
    if before[0] not in names():
        return [_NO_FILES]
    command = command_of(before[0])
    option = next((one for one in command.options if before[-1] in one.names and one.value is not None), None)
    if option is None and current.startswith("-"):
        found = [name for one in command.options for name in one.names if name.startswith(current)]
        return [*found, _NO_FILES]
    wanted = option or command.argument
    found = [word for word in (wanted.words if wanted is not None else ()) if word.startswith(current)]
    return [*found, _FILES if wanted is not None and wanted.value == "path" else _NO_FILES]
