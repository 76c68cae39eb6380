"""MLflow's own client is imported when it is needed first."""

from __future__ import annotations

import gc
import sys
import threading

__all__ = ["load"]

_STORES = "rollmodel.adapters.mlflow.connection.stores"
_loading = threading.Lock()


def load() -> None:
    """Import what is used of the client, about 15 MB, by one thread: its modules import each other in circles.

    Threads that meet in such a circle deadlock, or see a module of which only half is there. Where the process keeps
    its own modules from the search for garbage (``gc.freeze``), these are kept from it, too.
    """
    with _loading:
        first = _STORES not in sys.modules
        import rollmodel.adapters.mlflow.connection.stores  # noqa: F401, PLC0415

        if first and gc.get_freeze_count():
            gc.freeze()
