"""The console of every command: texts of others are shown as they are, never as markup, and nothing of them acts."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from rollmodel.text import plain

__all__ = ["Screen"]


class Screen(Console):
    """As rich's, without markup and emoji codes; what a program writes to move the cursor is rich's own alone."""

    def __init__(self, width: int | None = None) -> None:
        super().__init__(markup=False, emoji=False, width=width)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments, cleaned; without marks, since what acts had no width when the columns were measured."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(plain(segment.text, lines=True, mark=""), segment.style)
