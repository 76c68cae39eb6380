"""The commands that people type: ``rollmodel promote``, ``explain``, ``backtest``, ``digest`` and friends."""

from __future__ import annotations

__all__ = ["COMMANDS"]

#: Subcommand -> (module whose ``main(argv) -> int`` runs it, one line of help).
COMMANDS: dict[str, tuple[str, str]] = {}
