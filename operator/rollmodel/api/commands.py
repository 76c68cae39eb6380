"""What status says about the command annotation, the same for every kind."""

from __future__ import annotations

from typing import Literal

from rollmodel.api.base import ApiModel, Message, ShortText, Timestamp

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
