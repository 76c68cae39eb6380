"""What a long measurement is doing, on standard error: a line now and then, with the time since its start."""

from __future__ import annotations

import sys
import time

__all__ = ["say"]

_began = time.monotonic()


def say(text: str) -> None:
    """One line of progress."""
    print(f"{time.monotonic() - _began:6.0f} s  {text}", file=sys.stderr, flush=True)
