"""Scripts for shells. They hold all words, so that a Tab starts no Python; names of objects come from kubectl."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence

from rollmodel.cli.completion.commands import Command, Option

__all__ = ["SHELLS"]

_OBJECTS = "kubectl get modeldeployments,trainingjobs,driftpolicies"
_NAMESPACES = "kubectl get namespaces"
_NAMES = "-o 'jsonpath={range .items[*]}{.metadata.name}{\"\\n\"}{end}' 2>/dev/null"


def bash(commands: Sequence[Command]) -> str:
    """For ``source <(rollmodel completion bash)``."""
    options = [f'    {one.name}) words="{_names(one.options)}" ;;' for one in commands]
    values = [line for one in commands for option in one.options for line in _bash_value(one.name, option)]
    arguments = [f"    {one.name}) {_bash_words(one.argument)} ;;" for one in commands if one.argument is not None]
    return "\n".join(
        [
            "# Completion of rollmodel for bash: source <(rollmodel completion bash)",
            "_rollmodel() {",
            '  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}"',
            '  local command="${COMP_WORDS[1]}" words=""',
            "  COMPREPLY=()",
            "  if (( COMP_CWORD == 1 )); then",
            f'    COMPREPLY=($(compgen -W "{" ".join(one.name for one in commands)}" -- "$cur"))',
            "    return",
            "  fi",
            '  case "$command $prev" in',
            *values,
            '    *) if [[ "$cur" == -* ]]; then',
            '    case "$command" in',
            *options,
            "    esac",
            '    else case "$command" in',
            *arguments,
            "    esac",
            "    fi ;;",
            "  esac",
            '  COMPREPLY=($(compgen -W "$words" -- "$cur"))',
            "}",
            "complete -F _rollmodel rollmodel",
            "",
        ]
    )


def _bash_value(command: str, option: Option) -> Iterator[str]:
    if option.value is not None:
        cases = "|".join(f'"{command} {name}"' for name in option.names)
        yield f"    {cases}) {_bash_words(option)} ;;"


def _bash_words(option: Option) -> str:
    match option.value:
        case "path":
            return 'COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null; return'
        case "object":
            return f'words="$({_OBJECTS} {_NAMES})"'
        case "namespace":
            return f'words="$({_NAMESPACES} {_NAMES})"'
        case _:
            return f'words="{" ".join(option.words)}"'


def zsh(commands: Sequence[Command]) -> str:
    """For a file ``_rollmodel`` of ``$fpath``, or ``source <(rollmodel completion zsh)``."""
    listed = [f"    {shlex.quote(f'{one.name}:{_brief(one.help)}')}" for one in commands]
    cases = [line for one in commands for line in _zsh_case(one)]
    return "\n".join(
        [
            "#compdef rollmodel",
            f'_rollmodel_objects() {{ local -a found=(${{(f)"$({_OBJECTS} {_NAMES})"}}); compadd -a found }}',
            f'_rollmodel_namespaces() {{ local -a found=(${{(f)"$({_NAMESPACES} {_NAMES})"}}); compadd -a found }}',
            "_rollmodel() {",
            "  local -a commands=(",
            *listed,
            "  )",
            "  if (( CURRENT == 2 )); then",
            "    _describe command commands",
            "    return",
            "  fi",
            "  shift words; (( CURRENT-- ))",
            '  case "$words[1]" in',
            *cases,
            "  esac",
            "}",
            'if [[ "$funcstack[1]" == _rollmodel ]]; then _rollmodel "$@"; else compdef _rollmodel rollmodel; fi',
            "",
        ]
    )


def _zsh_case(command: Command) -> Iterator[str]:
    specs = [_zsh_option(option, name) for option in command.options for name in option.names]
    if command.argument is not None:
        specs.append(shlex.quote(f"*:{_zsh_brief(command.argument.help) or 'name'}:{_zsh_action(command.argument)}"))
    yield f"    {command.name})"
    yield " \\\n        ".join(["      _arguments", *specs])
    yield "      ;;"


def _zsh_option(option: Option, name: str) -> str:
    value = "" if option.value is None else f":{name.lstrip('-')}:{_zsh_action(option)}"
    others = f"({' '.join(option.names)})" if len(option.names) > 1 else ""
    return shlex.quote(f"{others}{name}[{_zsh_brief(option.help)}]{value}")


def _zsh_action(option: Option) -> str:
    kinds = {"path": "_files", "object": "_rollmodel_objects", "namespace": "_rollmodel_namespaces", "text": " "}
    return f"({' '.join(option.words)})" if option.value == "words" else kinds[option.value or "text"]


def _zsh_brief(text: str) -> str:
    """Brackets and colons mean something there."""
    return re.sub(r"([\[\]:\\])", r"\\\1", _brief(text))


def fish(commands: Sequence[Command]) -> str:
    """For ``rollmodel completion fish | source``."""
    lines = [
        "# Completion of rollmodel for fish: rollmodel completion fish | source",
        "complete -c rollmodel -f",
        f"function __rollmodel_objects; {_OBJECTS} {_NAMES}; end",
        f"function __rollmodel_namespaces; {_NAMESPACES} {_NAMES}; end",
    ]
    for one in commands:
        lines.append(f"complete -c rollmodel -n __fish_use_subcommand -a {one.name} -d {_fish(_brief(one.help))}")
        seen = f'complete -c rollmodel -n "__fish_seen_subcommand_from {one.name}"'
        lines += [f"{seen} {_fish_option(option)}" for option in one.options]
        lines += [f"{seen} {_fish_value(one.argument)}"] if one.argument is not None else []
    return "\n".join([*lines, ""])


def _fish_option(option: Option) -> str:
    names = [f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names]
    value = "" if option.value is None else f" {_fish_value(option)}"
    return f"{' '.join(names)}{value} -d {_fish(_brief(option.help))}"


def _fish_value(option: Option) -> str:
    """``-r`` takes a value and offers files, ``-x`` only what is said."""
    required = "-x " if option.names else ""
    match option.value:
        case "path":
            return "-r -F" if option.names else "-F"
        case "words":
            return f'{required}-a "{" ".join(option.words)}"'
        case "object" | "namespace":
            return f'{required}-a "(__rollmodel_{option.value}s)"'
        case _:
            return "-x" if option.names else "-f"


def _fish(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _brief(text: str) -> str:
    return text.partition(" (default")[0][:100]


def _names(options: Sequence[Option]) -> str:
    return " ".join(name for option in options for name in option.names)


SHELLS: Mapping[str, Callable[[Sequence[Command]], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
