"""How processes end: a child with its parent, a command by a signal."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

__all__ = ["die_with_parent", "until_signal"]

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def die_with_parent() -> Callable[[], None]:
    """A ``preexec_fn``: the child is killed when this process ends, in whatever way; also if it has just ended.

    The kernel ties the child to the *thread* that forked it: start children from the main thread. It does nothing
    where there is no such call (other systems than Linux).
    """
    parent = os.getpid()

    def in_child() -> None:
        if sys.platform == "linux":
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)

    return in_child


async def until_signal(work: Coroutine[Any, Any, None]) -> None:
    """Do this until it ends, or until SIGTERM or SIGINT cancels it. Raises what it raises."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()
