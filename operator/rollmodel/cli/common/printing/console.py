"""Where commands print: on a terminal as wide as it is; elsewhere nothing is wrapped and no line ends in blanks."""

from __future__ import annotations

import os
import sys

from rich.console import Console, RenderableType

from rollmodel.cli.common.printing.screen import Screen

__all__ = ["console", "show"]

#: No table is as wide. A pipe has no width, and what is cut there cannot be found with grep.
_UNBOUNDED = 10_000


def console() -> Console:
    """For this process' output. A width that somebody asks for with ``COLUMNS`` holds anywhere."""
    bounded = sys.stdout.isatty() or os.environ.get("COLUMNS")
    return Screen() if bounded else Screen(_UNBOUNDED)


def show(*parts: RenderableType) -> None:
    """Print these one below the other."""
    screen = console()
    if screen.is_terminal:
        for part in parts:
            screen.print(part)
        return
    with screen.capture() as captured:
        for part in parts:
            screen.print(part)
    for line in captured.get().splitlines():
        print(line.rstrip())
