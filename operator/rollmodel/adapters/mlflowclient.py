"""MLflow's own client: imported late and carefully, and logged in per connection."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from rollmodel.ports import Connection

if TYPE_CHECKING:
    from mlflow.utils.rest_utils import MlflowHostCreds

__all__ = ["credentials", "load"]

_loading = threading.Lock()


def load() -> None:
    """Import the client, about 80 MB, in one thread at a time: its modules import each other in circles.

    Threads that meet in such a circle deadlock, or see a module of which only half is there.
    """
    with _loading:
        import mlflow.store.model_registry.rest_store  # noqa: F401, PLC0415


def credentials(connection: Connection) -> MlflowHostCreds:
    """The login of one connection, as the client wants it."""
    from mlflow.utils.rest_utils import MlflowHostCreds  # noqa: PLC0415

    return MlflowHostCreds(
        connection.url, username=connection.username, password=connection.password, token=connection.token
    )
