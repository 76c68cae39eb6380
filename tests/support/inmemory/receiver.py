"""A webhook's receiver in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rollmodel.errors import RollmodelError
from rollmodel.ports.webhooks import Webhook

__all__ = ["Receiver"]


@dataclass
class Receiver:
    """Takes what webhooks are told, unless it is ``broken``. Implements :class:`rollmodel.ports.Notifier`."""

    broken: RollmodelError | None = None
    got: list[Mapping[str, Any]] = field(default_factory=list)
    hooks: list[Webhook] = field(default_factory=list)
    tries: int = 0

    async def send(self, hook: Webhook, event: Mapping[str, Any]) -> None:
        """Take it."""
        self.tries += 1
        if self.broken is not None:
            raise self.broken
        self.hooks.append(hook)
        self.got.append(event)
