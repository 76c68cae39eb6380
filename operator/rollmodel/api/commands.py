"""What status says about the command annotation, the same for every kind."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rollmodel.api.base import ApiModel, Message, ShortText, Timestamp
from rollmodel.api.schema import ATOMIC

__all__ = ["CommandStatus"]


class CommandStatus(ApiModel):
    """The last command annotation that was consumed."""

    text: ShortText
    """The command."""
    result: Literal["Done", "Ignored"]
    """What became of it."""
    message: Message | None = None
    """Why it was ignored."""
    by: ShortText | None = None
    """Field manager that wrote it."""
    time: Timestamp
    """When it was consumed."""
    earlier: Annotated[list[ShortText] | None, Field(max_length=10), ATOMIC] = None
    """The commands before it: one that comes back, from a repository or a backup, is not carried out again."""
